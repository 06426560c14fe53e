import { describe, expect, it } from '@jest/globals';
import { parseTrace } from '../../../../sidecar/app/replay/trace.ts';
import { SidecarError } from '../../../../sidecar/core/index.ts';

const line = (changes: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ timestamp: 5, input_length: 600, output_length: 7, hash_ids: [1, 2], ...changes });

/** Why a text is refused; no mistakes where it is not. */
const mistakesOf = (text: string): { readonly code: string; readonly mistakes: readonly unknown[] } => {
  try {
    parseTrace(text, { blockSize: 512 });
  } catch (failure) {
    const { code, details } = SidecarError.from(failure, 'internal');
    const { mistakes } = details;
    return { code, mistakes: Array.isArray(mistakes) ? mistakes : [] };
  }
  return { code: 'none', mistakes: [] };
};

describe('a trace', () => {
  it('is read line by line, in order of time', () => {
    expect(parseTrace(`${line()}\n\n${line({ timestamp: 0, output_length: 0 })}\n`, { blockSize: 512 })).toEqual([
      { atMs: 0, promptTokens: 600, outputTokens: 1, blocks: [1, 2] },
      { atMs: 5, promptTokens: 600, outputTokens: 7, blocks: [1, 2] },
    ]);
  });

  it.each([
    ['no JSON', '{"timestamp":', /line 2: must be a JSON object/],
    ['no object', '7', /line 2: must be a JSON object/],
    ['no time', line({ timestamp: 'now' }), /line 2: timestamp must be/],
    ['an empty prompt', line({ input_length: 0, hash_ids: [] }), /line 2: input_length must be/],
    ['half an output', line({ output_length: 1.5 }), /line 2: output_length must be/],
    ['a name that is no number', line({ hash_ids: [1, 'b'] }), /line 2: hash_ids must be a list/],
    ['too few blocks', line({ hash_ids: [1] }), /line 2: hash_ids must name 2 blocks of 512 tokens .* 600, not 1/],
  ])('with %s is refused, the line named', (_, malformed, mistake) => {
    expect(mistakesOf(`${line()}\n${malformed}\n`)).toEqual({
      code: 'invalid-argument',
      mistakes: [expect.stringMatching(mistake)],
    });
  });

  it('names every malformed line, but not thousands', () => {
    expect(mistakesOf(`x\n${line()}\ny`)).toMatchObject({
      mistakes: [expect.stringMatching(/^line 1: /), expect.stringMatching(/^line 3: /)],
    });
    const { mistakes } = mistakesOf('x\n'.repeat(1000));
    expect(mistakes).toHaveLength(21);
    expect(mistakes.at(-1)).toBe('and 980 more');
  });

  it('has at least one request', () => {
    expect(mistakesOf('\n')).toMatchObject({ code: 'invalid-argument' });
  });
});
