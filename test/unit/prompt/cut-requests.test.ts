import { beforeAll, describe, expect, it } from '@jest/globals';
import type { PromptEncoder, PromptSequence } from '../../../sidecar/prompt/index.ts';
import { encodeBody, tinyQwenEncoder } from '../../support/tiny-qwen.ts';
import { renderVectors, scenarioVectors, tokenizeVectors } from '../../support/vllm-vectors.ts';

interface Recorded {
  readonly name: string;
  readonly path: string;
  readonly body: Buffer;
  readonly wholes: readonly (readonly number[])[];
}

/** Members that replace the prompt: a cut in front of one cannot know. */
const replacesPrompt = (body: Buffer): boolean =>
  body.includes('truncate_prompt_tokens') || body.includes('kv_transfer_params');

const isPrefix = (ids: Int32Array, whole: readonly number[] | undefined): boolean =>
  whole !== undefined && ids.length <= whole.length && ids.every((id, index) => whole[index] === id);

const certain = ({ tokenIds, certainTokens }: PromptSequence): Int32Array =>
  tokenIds.subarray(0, certainTokens ?? tokenIds.length);

/** First cut at which something is said that is not so, null where there is none. */
const firstWrongCut = async (
  encoder: PromptEncoder,
  recorded: Recorded,
  { firstBytes, stepBytes }: { readonly firstBytes: number; readonly stepBytes: number },
): Promise<number | null> => {
  for (let bytes = firstBytes; bytes < recorded.body.length - 1; bytes += stepBytes) {
    const body = recorded.body.subarray(0, bytes);
    const encoded = await encodeBody(encoder, { path: recorded.path, body, isComplete: false });
    if (encoded.kind === 'unknown') continue;
    const isRight = encoded.sequences.every(
      (sequence, index) =>
        (sequence.certainTokens ?? 0) <= sequence.tokenIds.length &&
        isPrefix(certain(sequence), recorded.wholes[index]),
    );
    if (!isRight) return bytes;
  }
  return null;
};

const recordedWith = (template: string): readonly Recorded[] =>
  renderVectors()
    .filter((vector) => vector.template === template && vector.tokenIds !== null)
    .map(({ name, path, body, tokenIds }) => ({ name, path, body, wholes: tokenIds ?? [] }));

const fromEngine = (vectors: ReturnType<typeof tokenizeVectors>): readonly Recorded[] =>
  vectors.flatMap(({ name, path, body, tokenIds }) =>
    tokenIds === null ? [] : [{ name, path, body, wholes: [tokenIds] }],
  );

describe('a request cut off at any byte', () => {
  let encoder: PromptEncoder;
  beforeAll(async () => {
    encoder = await tinyQwenEncoder();
  });

  it.each([...fromEngine(tokenizeVectors()), ...recordedWith('tiny-qwen')].filter(({ body }) => !replacesPrompt(body)))(
    'has no tokens said to be certain that the whole does not have: $path $name',
    async (recorded) => {
      // A third of all cuts, other ones for bodies of other lengths.
      const firstBytes = recorded.body.length % 3;

      expect(await firstWrongCut(encoder, recorded, { firstBytes, stepBytes: 3 })).toBeNull();
    },
  );

  it('has none over the longer recorded conversations either', async () => {
    const wrong: string[] = [];
    for (const recorded of fromEngine(scenarioVectors()).filter(
      ({ body, wholes }) => !replacesPrompt(body) && wholes[0] !== undefined,
    )) {
      // Of several prompts only the first is recorded.
      if (recorded.body.includes('"one short"')) continue;
      if ((await firstWrongCut(encoder, recorded, { firstBytes: 0, stepBytes: 41 })) !== null)
        wrong.push(recorded.name);
    }

    expect(wrong).toEqual([]);
  });

  it('knows most of a long conversation from its beginning', async () => {
    const content = 'The quick brown fox jumps over the lazy dog.\n'.repeat(40);
    const messages = [
      { role: 'system', content: 'Be brief.' },
      ...Array.from({ length: 6 }, (_, turn) => ({ role: turn % 2 === 0 ? 'user' : 'assistant', content })),
    ];
    const body = Buffer.from(JSON.stringify({ model: 'tiny', messages }));
    const whole = await encodeBody(encoder, { path: '/v1/chat/completions', body });
    const cut = await encodeBody(encoder, {
      path: '/v1/chat/completions',
      body: body.subarray(0, body.length * 0.75),
      isComplete: false,
    });

    const [wholeSequence] = whole.kind === 'encoded' ? whole.sequences : [];
    const [sequence] = cut.kind === 'encoded' ? cut.sequences : [];
    expect(sequence?.isWhole).toBe(false);
    expect(isPrefix(sequence?.tokenIds ?? new Int32Array(1), [...(wholeSequence?.tokenIds ?? [])])).toBe(true);
    expect((sequence?.tokenIds.length ?? 0) / (wholeSequence?.tokenIds.length ?? 1)).toBeGreaterThan(0.7);
  });

  it('takes a body for whole where only its end is said to be missing', async () => {
    const body = Buffer.from('{"model":"tiny","messages":[{"role":"user","content":"hi"}]}');

    const encoded = await encodeBody(encoder, { path: '/v1/chat/completions', body, isComplete: false });

    expect(encoded.kind === 'encoded' && encoded.sequences[0]?.isWhole).toBe(true);
  });
});
