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

/** Renders one conversation to pieces; null where the template refuses it. */
type RenderConversation = (input: TemplateInput) => readonly string[] | null;

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

/** The text up to what is not known; looked for piece by piece, which is quick where a piece is ASCII. */
const knownStart = (pieces: readonly string[]): string => {
  const last = pieces.findIndex((piece) => piece.includes(unknownText));
  if (last < 0) return pieces.join('');
  const piece = pieces[last] ?? '';
  return pieces.slice(0, last).join('') + piece.slice(0, piece.indexOf(unknownText));
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
    /** Whether to render once only, for conversations so long that a dozen renders would hold up others. */
    readonly triesOnce: boolean;
  },
): KnownText | null => {
  const asked = new Set<string>();
  const startsOf = (variants: readonly Conversation[]): readonly string[] =>
    variants.flatMap((variant) => {
      const withMedia = hasMedia(variant) ? [variant, withUnknownMedia(variant, options.contentFormat)] : [variant];
      return withMedia.flatMap((shown) => {
        const input = options.inputOf(shown);
        const variables = new RecordingVariables(input.variables);
        const pieces = options.render({ ...input, variables: variables as JsonObject });
        for (const name of variables.asked) asked.add(name);
        return pieces === null ? [] : [knownStart(pieces)];
      });
    });
  const variants = continuations(conversation);
  const likely = startsOf(options.triesOnce ? variants.slice(0, 1) : variants);
  if (likely.length === 0) return null;
  if (options.triesOnce) return { likely: commonPrefix(likely), certain: '' };
  const [plainest] = variants;
  const changed = plainest === undefined ? [] : startsOf(laterMembers(plainest, ['enable_thinking', ...asked]));
  return { likely: commonPrefix(likely), certain: commonPrefix([...likely, ...changed]) };
};
