import { beforeAll, describe, expect, it } from '@jest/globals';
import type { PromptEncoder } from '../../../sidecar/prompt/index.ts';
import { encodeBody, idsOf, tinyQwenEncoder } from '../../support/tiny-qwen.ts';
import { type RecordedRender, renderVectors, scenarioVectors, tokenizeVectors } from '../../support/vllm-vectors.ts';

const templates = ['tiny-qwen', 'tiny-qwen-string', 'dump-openai', 'dump-string', 'system-first'];
const encoders = new Map<string, PromptEncoder>();

beforeAll(async () => {
  for (const template of templates) encoders.set(template, await tinyQwenEncoder(template));
});

const encoderFor = (template: string): PromptEncoder => {
  const encoder = encoders.get(template);
  if (encoder === undefined) throw new Error(`no encoder for ${template}`);
  return encoder;
};

describe('prompts recorded from vLLM with the model’s own template', () => {
  it.each(tokenizeVectors())(
    'gives the engine’s tokens, or none where it refuses: $name',
    async ({ path, body, tokenIds }) => {
      const encoded = await encodeBody(encoderFor('tiny-qwen'), { path, body });

      expect(idsOf(encoded)).toEqual(tokenIds === null ? null : [tokenIds]);
    },
  );

  // vLLM 0.23 ignores ids that a chat request brings; 0.27 and later use them.
  const isIgnoredByOldEngine = (name: string) => name.startsWith('v0.23') && name.includes('kv_transfer_params');

  it.each(scenarioVectors().filter(({ name }) => !isIgnoredByOldEngine(name)))(
    'gives the engine’s tokens: $name',
    async ({ path, body, tokenIds }) => {
      const encoded = await encodeBody(encoderFor('tiny-qwen'), { path, body });

      expect(idsOf(encoded)?.[0]).toEqual(tokenIds);
    },
  );
});

/** Prompts that vLLM makes and the sidecar says it does not know, with the reason. */
const unknownHere: ReadonlyMap<string, string> = new Map([
  ['custom tool', 'how a free-text tool is worded is the engine’s own'],
  ['tool result list of the assistant', 'vLLM prints it as Python prints a list'],
]);

const isTruncated = ({ body }: RecordedRender) => body.includes('truncate_prompt_tokens');

describe.each(templates)('renders recorded from vLLM 0.32 with the template %s', (template) => {
  const recorded = renderVectors().filter((vector) => vector.template === template);

  /** Tokens that were recorded, or those of the text that was. */
  const engineTokens = async ({ tokenIds, text }: RecordedRender) => {
    if (tokenIds !== null) return tokenIds;
    const body = Buffer.from(JSON.stringify({ prompt: text, add_special_tokens: false }));
    return idsOf(await encodeBody(encoderFor(template), { path: '/v1/completions', body }));
  };

  it.each(recorded.filter((vector) => vector.tokenIds !== null || (vector.text !== null && !isTruncated(vector))))(
    'gives the engine’s tokens: $path $name',
    async (vector) => {
      const encoded = await encodeBody(encoderFor(template), vector);

      expect(idsOf(encoded)).toEqual(unknownHere.has(vector.name) ? null : await engineTokens(vector));
    },
  );

  it.each(recorded.filter(({ tokenIds, text }) => tokenIds === null && text === null))(
    'knows no prompt where the engine refuses: $path $name',
    async ({ path, body }) => {
      const encoded = await encodeBody(encoderFor(template), { path, body });

      expect(encoded.kind).toBe('unknown');
    },
  );
});
