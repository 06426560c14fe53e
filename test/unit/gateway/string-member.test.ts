import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { withStringReplaced } from '../../../sidecar/gateway/string-member.ts';

const rewrite = (text: string, model = 'new'): string | null =>
  withStringReplaced(Buffer.from(text), 'model', JSON.stringify(model))?.toString() ?? null;

describe('another string in a body', () => {
  it('changes the member and nothing else, whatever surrounds it', () => {
    const others = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(others, others, fc.string(), fc.string(), fc.nat(2), (before, after, old, model, indent) => {
        const contents = { ...before, model: old, ...after };
        const text = JSON.stringify({ ...contents, model: old }, null, indent);
        const expected = { ...contents, model };

        expect(JSON.parse(rewrite(text, model) ?? 'null')).toEqual(JSON.parse(JSON.stringify(expected)));
      }),
    );
  });

  it.each([
    ['{ "model" :"m",  "prompt":"x"}\n', '{ "model" :"new",  "prompt":"x"}\n'],
    ['{"a":{"model":"inner"},"model":"m"}', '{"a":{"model":"inner"},"model":"new"}'],
    ['{"model":"first","model":"last"}', '{"model":"first","model":"new"}'],
    ['{"x":"\\\\","model":"m \\" n"}', '{"x":"\\\\","model":"new"}'],
    ['{"model":"m","prompt":"cut off', '{"model":"new","prompt":"cut off'],
  ])('is put in place of the one that counts: %s', (text, expected) => {
    expect(rewrite(text)).toBe(expected);
  });

  it.each(['', '{}', 'no JSON', '["model","m"]', '{"model":7}', '{"prompt":"model","x":["model"]}', '{"model":"cut'])(
    'is not put where none is named: %s',
    (text) => {
      expect(rewrite(text)).toBeNull();
    },
  );

  it('never throws on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        withStringReplaced(Buffer.from(bytes), 'model', '"new"');
      }),
    );
  });
});
