import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../api/json-value.ts';
import type { ChatTemplate, TemplateInput } from '../template/port.ts';
import { strip } from '../template/runtime/text.ts';

/** Marks where the final message ends; the space after it shows whether the template trims. */
const mark = 'WARMROUTE_FINAL_MESSAGE_ENDS_HERE';
const markAndSpace = `${mark} `;

interface Marked {
  readonly message: JsonObject;
  /** The text that is continued. */
  readonly text: string;
}

const markParts = (
  parts: readonly JsonValue[],
): { readonly parts: readonly JsonValue[]; readonly text: string } | null => {
  const last = parts.findLastIndex((part) => isJsonObject(part) && typeof part.get('text') === 'string');
  const part = parts[last];
  const text = isJsonObject(part) ? part.get('text') : undefined;
  if (!isJsonObject(part) || typeof text !== 'string') return null;
  return { parts: parts.with(last, new Map([...part, ['text', text + markAndSpace]])), text };
};

const markMessage = (message: JsonValue | undefined): Marked | null => {
  if (!isJsonObject(message)) return null;
  const content = message.get('content');
  if (typeof content === 'string')
    return { message: new Map([...message, ['content', content + markAndSpace]]), text: content };
  if (!isJsonArray(content)) return null;
  const marked = markParts(content);
  return marked === null ? null : { message: new Map([...message, ['content', marked.parts]]), text: marked.text };
};

/**
 * Renders a conversation up to the end of its final message's text, as `continue_final_message` of transformers'
 * `render_jinja_template`; null where transformers raises.
 */
export const renderContinued = (template: ChatTemplate, input: TemplateInput): string | null => {
  const marked = markMessage(input.messages.at(-1));
  if (marked === null) return null;
  const text = template.render({ ...input, messages: [...input.messages.slice(0, -1), marked.message] }).join('');
  const end = text.lastIndexOf(mark);
  if (end < 0 || !text.includes(strip(marked.text, null, 'both'))) return null;
  const kept = text.slice(0, end);
  return text.startsWith(markAndSpace, end) ? kept : strip(kept, null, 'right');
};
