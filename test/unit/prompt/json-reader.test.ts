import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type JsonReading, readJson } from '../../../sidecar/prompt/api/json-reader.ts';
import { isJsonArray, isJsonObject, JsonNumber, type JsonValue } from '../../../sidecar/prompt/api/json-value.ts';

/** The value as JSON.parse gives it. */
const plain = (value: JsonValue | undefined): unknown => {
  if (value instanceof JsonNumber) return value.value;
  if (isJsonArray(value)) return value.map(plain);
  if (isJsonObject(value)) return Object.fromEntries([...value].map(([key, member]) => [key, plain(member)]));
  return value;
};

const plainValue = (reading: JsonReading): unknown => (reading.kind === 'invalid' ? 'invalid' : plain(reading.value));
const isPrefix = (part: string, whole: unknown): boolean => typeof whole === 'string' && whole.startsWith(part);

/** Whether `part` may be what was read of `whole` before a cut. */
const isReadOf = (part: JsonValue | undefined, whole: unknown): boolean => {
  if (part === undefined) return true;
  if (typeof part === 'string') return isPrefix(part, whole);
  if (isJsonArray(part)) return Array.isArray(whole) && part.every((item, index) => isReadOf(item, whole[index]));
  if (isJsonObject(part)) {
    const members = new Map(Object.entries(Object(whole)));
    return [...part].every(([key, member]) => members.has(key) && isReadOf(member, members.get(key)));
  }
  return Object.is(plain(part), whole);
};

describe('readJson', () => {
  it('reads any document as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (document, space) => {
        const text = JSON.stringify(document, null, space);

        expect(plainValue(readJson(text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });

  it('accepts and refuses any text as JSON.parse does', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      '1',
      '-',
      '0',
      '.',
      'e',
      'true',
      'null',
      ' ',
      '\n',
      '\u0001',
      '"\\u00e9"',
      '\\u12',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        const text = tokens.join('');
        let isValid = true;
        try {
          JSON.parse(text);
        } catch {
          isValid = false;
        }

        expect(readJson(text).kind === 'whole').toBe(isValid);
      }),
      { numRuns: 5000 },
    );
  });

  it('knows of a cut document only what the whole one says', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.double({ min: 0, max: 1, noNaN: true }), (document, share) => {
        const text = JSON.stringify({ document, text: 'é\n"\\\u{1f600}' });
        const reading = readJson(text.slice(0, Math.floor(share * (text.length - 1))));

        expect(reading.kind).toBe('cut');
        expect(reading.kind === 'cut' && isReadOf(reading.value, JSON.parse(text))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['{"a":{"b":["x","y', ['a', 'b', 1]],
    ['{"a":{"b":["x","y"', ['a', 'b']],
    ['{"a":{"b":["x",', ['a', 'b']],
    ['{"a":{"b', ['a']],
    ['{"a":12', []],
    ['{"a":tru', []],
    ['{"a":"x"', []],
    ['{', []],
  ])('says where %s is open', (text, openPath) => {
    const reading = readJson(text);

    expect(reading).toMatchObject({ kind: 'cut', openPath });
  });

  it.each([
    ['"a\\', 'a'],
    ['"a\\\\', 'a\\'],
    ['"a\\u00', 'a'],
    ['"a\\ud83d', 'a'],
    ['"a\\ud83d\\', 'a'],
    ['"a\\ud83d\\ude0', 'a'],
    ['"a\\ud83d\\ude00', 'a\u{1f600}'],
    ['"a\\\\ud83d', 'a\\ud83d'],
  ])('keeps of the cut string %s what is certain', (text, value) => {
    expect(plainValue(readJson(text))).toBe(value);
  });

  it('keeps the text of numbers and the order of keys', () => {
    const reading = readJson('{"10":2.0,"9":12345678901234567890,"x":-0.0,"e":1E5}');

    const value = reading.kind === 'whole' && isJsonObject(reading.value) ? reading.value : new Map();
    expect([...value].map(([key, number]) => [key, number instanceof JsonNumber && number.raw])).toEqual([
      ['10', '2.0'],
      ['9', '12345678901234567890'],
      ['x', '-0.0'],
      ['e', '1E5'],
    ]);
  });

  it('lets the last of equal keys count, at the place of the first', () => {
    const reading = readJson('{"a":1,"b":2,"a":3}');

    expect(reading.kind === 'whole' && isJsonObject(reading.value) && [...reading.value.keys()]).toEqual(['a', 'b']);
    expect(plainValue(reading)).toEqual({ a: 3, b: 2 });
  });

  it('reads NaN and the infinities as Python does', () => {
    expect(plainValue(readJson('[NaN,Infinity,-Infinity]'))).toEqual([Number.NaN, Infinity, -Infinity]);
  });

  it('keeps lone surrogates', () => {
    expect(plainValue(readJson('"\\ud800x"'))).toBe('\ud800x');
  });

  it('refuses integers that Python refuses to convert', () => {
    expect(readJson(`[${'1'.repeat(4300)}]`).kind).toBe('whole');
    expect(readJson(`[${'1'.repeat(4301)}]`).kind).toBe('invalid');
    expect(readJson(`[${'1'.repeat(4301)}.5]`).kind).toBe('whole');
  });

  it.each(['[', '{"a":'])('refuses a document of 100,000 times %s without running out of stack', (opening) => {
    expect(readJson(opening.repeat(100_000)).kind).toBe('invalid');
  });

  it('drops root members that are not wanted, but checks them', () => {
    const options = { keys: new Set(['b']), tokenKeys: new Map() };

    expect(plainValue(readJson('{"a":[1,{"b":2}],"b":3}', options))).toEqual({ b: 3 });
    expect(readJson('{"a":[1,}],"b":3}', options).kind).toBe('invalid');
    expect(readJson('{"a":[1', options)).toMatchObject({ kind: 'cut', openPath: [] });
  });
});

describe('token keys of readJson', () => {
  const options = {
    keys: new Set(['prompt', 'nested', 'other']),
    tokenKeys: new Map([
      ['', new Set(['prompt'])],
      ['nested', new Set(['ids'])],
    ]),
  };
  const listsOf = (text: string, key: string) => {
    const reading = readJson(text, options);
    const lists = reading.kind === 'invalid' ? undefined : reading.tokenLists.get(key);
    return lists === undefined ? null : { ...lists, lists: lists.lists.map((list) => [...list]) };
  };

  it.each([
    ['{"prompt":[1, 2,3]}', 'prompt', { lists: [[1, 2, 3]], isNested: false, isLastOpen: false }],
    ['{"prompt":[[1],[],[2,3]]}', 'prompt', { lists: [[1], [], [2, 3]], isNested: true, isLastOpen: false }],
    ['{"nested":{"ids":[7]}}', 'ids', { lists: [[7]], isNested: false, isLastOpen: false }],
    ['{"prompt":[1,2,3', 'prompt', { lists: [[1, 2]], isNested: false, isLastOpen: true }],
    ['{"prompt":[[1],[2,3],[4', 'prompt', { lists: [[1], [2, 3], []], isNested: true, isLastOpen: true }],
    ['{"prompt":[[1],[2]', 'prompt', { lists: [[1], [2]], isNested: true, isLastOpen: false }],
  ])('reads %s into typed arrays', (text, key, expected) => {
    expect(listsOf(text, key)).toMatchObject(expected);
  });

  it.each([
    '{"prompt":["a"]}',
    '{"prompt":[1.5]}',
    '{"prompt":[-1]}',
    '{"prompt":[1,"a"]}',
    '{"prompt":[]}',
    '{"prompt":"x"}',
    '{"other":{"prompt":[1]}}',
    '{"prompt":[1],"prompt":"x"}',
    '{"prompt":[3000000000]}',
  ])('leaves %s a plain value', (text) => {
    expect(listsOf(text, 'prompt')).toBeNull();
    expect(readJson(text, options).kind).toBe('whole');
  });

  it('refuses numbers with leading zeros', () => {
    expect(readJson('{"prompt":[1,02]}', options).kind).toBe('invalid');
  });

  it('reads long lists whole', () => {
    const ids = Array.from({ length: 5000 }, (_, index) => index * 31);

    expect(listsOf(JSON.stringify({ prompt: ids }), 'prompt')?.lists).toEqual([ids]);
  });
});
