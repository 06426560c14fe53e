import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseBpeModel } from '../../../../sidecar/prompt/tokenizer/bpe-model.ts';
import { JsonBytes } from '../../../../sidecar/prompt/tokenizer/json-bytes.ts';
import { readTokenizerJson } from '../../../../sidecar/prompt/tokenizer/tokenizer-json.ts';
import { tinyQwen, written } from '../../../support/tokenizer-shapes.ts';

const bytesOf = (value: unknown, indent: number): Buffer => Buffer.from(JSON.stringify(value, null, indent));

const token = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('"', '\\', '\\"', ' : ', '{', ']', 'Ġa', '\n'));
const vocab = fc.dictionary(token, fc.nat(2 ** 29));
const merges = fc.array(fc.oneof(token, fc.tuple(token, token)));
const file = fc.record({
  version: fc.string(),
  model: fc.record({ type: fc.string(), vocab, merges }),
  last: fc.anything(),
});

describe('readTokenizerJson', () => {
  it('cuts vocab and merges out of whatever surrounds them', () => {
    fc.assert(
      fc.property(file, fc.nat(2), (contents, indent) => {
        const json = readTokenizerJson(bytesOf(contents, indent));
        const { model, ...rest } = JSON.parse(JSON.stringify(contents));

        expect(json.rest).toEqual({ ...rest, model: { ...model, vocab: null, merges: null } });
        expect(JSON.parse(String(json.vocab))).toEqual(model.vocab);
        expect(JSON.parse(String(json.merges))).toEqual(model.merges);
        expect(json.parseWhole()).toEqual({ ...rest, model });
      }),
    );
  });

  it.each([null, 7, [], 'text', {}, { model: null }, { model: { vocab: [['a', 0]], merges: 'none' } }])(
    'leaves a file without them as it is: %j',
    (contents) => {
      expect(written(contents)).toMatchObject({ rest: contents, vocab: null, merges: null });
    },
  );

  it('takes no file that is cut short', () => {
    const whole = bytesOf({ model: { vocab: { a: 1, '"': 22 }, merges: [['a', '"']] } }, 0);

    for (let length = 0; length < whole.length; length += 1) {
      expect(() => readTokenizerJson(whole.subarray(0, length))).toThrow();
    }
  });
});

describe('parseBpeModel', () => {
  it('gives every entry its id, the later of two, in the order of the file', () => {
    const pairs = Object.entries(tinyQwen.model.vocab);
    const { vocabulary } = parseBpeModel(tinyQwen.model, written(tinyQwen));

    expect(vocabulary.size).toBe(pairs.length);
    expect(pairs.filter(([entry, id]) => vocabulary.idOf(entry) !== id)).toEqual([]);
    expect(pairs.filter(([, id], position) => vocabulary.idAt(position) !== id)).toEqual([]);
    expect(vocabulary.idOf('no such token')).toBeUndefined();
    vocabulary.set(Buffer.from('Ġthe'), 0, 5, 70_000);
    expect([vocabulary.idOf('Ġthe'), vocabulary.size, vocabulary.idLimit]).toEqual([70_000, pairs.length, 70_001]);
  });

  it('reads what is spelled in escapes', () => {
    const escaped = JSON.stringify(tinyQwen).replace(/[^\x20-\x7e]/g, (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    });
    const plain = parseBpeModel(tinyQwen.model, written(tinyQwen));
    const read = parseBpeModel(tinyQwen.model, readTokenizerJson(Buffer.from(escaped)));

    expect(read.merges).toEqual(plain.merges);
    expect(read.table.byteIds).toEqual(plain.table.byteIds);
  });
});

describe('JsonBytes', () => {
  it.each([
    ['12', 12],
    ['0,', 0],
    ['-1', -1],
    ['1.5', -1],
    ['1e3', -1],
    ['1234567890123456', -1],
  ])('reads no number but whole ones: %s', (text, value) => {
    expect(new JsonBytes(Buffer.from(text)).integer()).toBe(value);
  });

  it.each(['', '"a', '"a\\', '{"a"', '[1, "]"', '?'])('says of what is no JSON that it is none: %s', (text) => {
    expect(() => new JsonBytes(Buffer.from(text)).skip()).toThrow(/not JSON/);
  });
});
