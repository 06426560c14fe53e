import type { JsonObject, JsonValue } from '../api/json-value.ts';
import type { Conversation } from '../api/prompt-source.ts';
import type { TemplateInput } from '../template/port.ts';
import { continuations, hasMedia, laterMembers, unknownText, withUnknownMedia } from './variants.ts';

/** What is known of the prompt of a conversation that is not wholly known. */
export interface KnownText {
  /** The start of the prompt if nothing but messages follows the cut. */
  readonly likely: string;
  /** The start of the prompt whatever follows, as far as trying tells; a prefix of `likely`. */
  readonly certain: string;
}

/** Variables that record which names a template asks for. */
class RecordingVariables extends Map<string, JsonValue> {
  readonly asked = new Set<string>();

  override get(name: string): JsonValue | undefined {
    this.asked?.add(name);
    return super.get(name);
  }

  override has(name: string): boolean {
    this.asked?.add(name);
    return super.has(name);
  }
}

/** Renders one conversation; null where the template refuses it. */
export type RenderConversation = (input: TemplateInput) => string | null;

/** Length of the common prefix of two texts; compares whole stretches, halving the one that differs. */
const commonLength = (one: string, other: string): number => {
  let low = 0;
  let high = Math.min(one.length, other.length);
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (other.startsWith(one.slice(low, middle), low)) low = middle;
    else high = middle - 1;
  }
  return low;
};

const commonPrefix = (texts: readonly string[]): string => {
  const [first = '', ...others] = texts;
  return others.reduce((prefix, text) => prefix.slice(0, commonLength(prefix, text)), first);
};

const knownStart = (text: string): string => {
  const end = text.indexOf(unknownText);
  return end < 0 ? text : text.slice(0, end);
};

/**
 * Tells how far the prompt of a cut-off conversation, or of one with images, is known: renders it with every kind of
 * thing that may follow and takes what all renders have in common. Null where the template refuses all of them.
 */
export const knownText = (
  conversation: Conversation,
  options: {
    readonly contentFormat: 'string' | 'openai';
    readonly inputOf: (conversation: Conversation) => TemplateInput;
    readonly render: RenderConversation;
  },
): KnownText | null => {
  const asked = new Set<string>();
  const startsOf = (variants: readonly Conversation[]): readonly string[] =>
    variants.flatMap((variant) => {
      const withMedia = hasMedia(variant) ? [variant, withUnknownMedia(variant, options.contentFormat)] : [variant];
      return withMedia.flatMap((shown) => {
        const input = options.inputOf(shown);
        const variables = new RecordingVariables(input.variables);
        const text = options.render({ ...input, variables: variables as JsonObject });
        for (const name of variables.asked) asked.add(name);
        return text === null ? [] : [knownStart(text)];
      });
    });
  const likely = startsOf(continuations(conversation));
  if (likely.length === 0) return null;
  const [plainest] = continuations(conversation);
  const changed = plainest === undefined ? [] : startsOf(laterMembers(plainest, ['enable_thinking', ...asked]));
  return { likely: commonPrefix(likely), certain: commonPrefix([...likely, ...changed]) };
};
