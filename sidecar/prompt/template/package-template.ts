import { Template } from '@huggingface/jinja';
import { SidecarError } from '../../core/index.ts';
import { isJsonArray, isJsonObject, JsonNumber, type JsonValue } from '../api/json-value.ts';
import type { ChatTemplate, ContentFormat, TemplateInput } from './port.ts';

/** A value as the package takes it: number text and the order of integer-like keys are lost. */
const plain = (value: JsonValue): unknown => {
  if (value instanceof JsonNumber) return value.value;
  if (isJsonArray(value)) return value.map(plain);
  if (isJsonObject(value)) return Object.fromEntries([...value].map(([key, member]) => [key, plain(member)]));
  return value;
};

const variablesOf = (input: TemplateInput): Record<string, unknown> => ({
  ...Object.fromEntries([...input.variables].map(([name, value]) => [name, plain(value)])),
  messages: input.messages.map(plain),
  tools: input.tools?.map(plain) ?? null,
  documents: input.documents?.map(plain) ?? null,
  add_generation_prompt: input.addGenerationPrompt,
});

/**
 * A chat template run by the published interpreter `@huggingface/jinja`, for templates that the own compiler does not
 * take. Some prompts differ from the engine's: floats print as integers, strips ignore their argument, and the like.
 * `reason` says why it is used; `contentFormat` is what vLLM detects. Throws SidecarError `tokenizer-unavailable` where the
 * package cannot parse the source.
 */
export const createPackageTemplate = (
  source: string,
  options: { readonly reason: string; readonly contentFormat: ContentFormat },
): ChatTemplate => {
  let template: Template;
  try {
    template = new Template(source);
  } catch (failure) {
    throw SidecarError.from(failure, 'tokenizer-unavailable');
  }
  return {
    path: 'package',
    pathReason: options.reason,
    contentFormat: options.contentFormat,
    render: (input) => {
      try {
        return [template.render(variablesOf(input))];
      } catch {
        // The failure's message may hold the conversation.
        throw new SidecarError('template-failed', 'the template cannot be rendered');
      }
    },
  };
};
