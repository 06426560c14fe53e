import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  createPromptEncoder,
  type EncodedPrompt,
  type PromptEncoder,
  parseRequest,
} from '../../sidecar/prompt/index.ts';

/** Folder of the small model whose prompts are recorded. */
export const tinyQwenModel = fileURLToPath(new URL('../../sidecar/simulator/tiny-qwen', import.meta.url));

/** Sources of the chat templates that renders are recorded with, by name. */
export const recordedTemplates: Readonly<Record<string, URL>> = {
  'tiny-qwen': new URL('../../sidecar/simulator/tiny-qwen/chat_template.jinja', import.meta.url),
  'tiny-qwen-string': new URL('../fixtures/vllm/chat_template_string.jinja', import.meta.url),
  'dump-openai': new URL('../fixtures/prompt/templates/dump-openai.jinja', import.meta.url),
  'dump-string': new URL('../fixtures/prompt/templates/dump-string.jinja', import.meta.url),
  'system-first': new URL('../fixtures/prompt/templates/system-first.jinja', import.meta.url),
};

/** An encoder for the small model with one of {@link recordedTemplates}. */
export const tinyQwenEncoder = (template = 'tiny-qwen'): Promise<PromptEncoder> => {
  const source = recordedTemplates[template];
  if (source === undefined) throw new Error(`no recorded template ${template}`);
  return createPromptEncoder({ folder: tinyQwenModel, chatTemplate: readFileSync(source, 'utf8') });
};

/** Parses and encodes a request in one step. */
export const encodeBody = async (
  encoder: PromptEncoder,
  request: { readonly path: string | null; readonly body: Uint8Array; readonly isComplete?: boolean },
): Promise<EncodedPrompt> => encoder.encode(parseRequest({ isComplete: true, ...request }), { loraName: null });

/** Token ids of each sequence; null where the prompt is unknown. */
export const idsOf = (prompt: EncodedPrompt): readonly (readonly number[])[] | null =>
  prompt.kind === 'encoded' ? prompt.sequences.map(({ tokenIds }) => [...tokenIds]) : null;
