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

/** Pieces up to what is not known. */
const knownStart = (pieces: readonly string[]): readonly string[] => {
  const last = pieces.findIndex((piece) => piece.includes(unknownText));
  if (last < 0) return pieces;
  const piece = pieces[last] ?? '';
  return [...pieces.slice(0, last), piece.slice(0, piece.indexOf(unknownText))];
};

/** What of a known start `pieces` begin with too. Equal pieces are passed over; in what follows nothing may be known. */
const commonStart = (start: readonly string[], pieces: readonly string[]): readonly string[] => {
  let same = 0;
  while (same < start.length && start[same] === pieces[same]) same += 1;
  if (same === start.length) return start;
  const rest = start.slice(same).join('');
  const other = knownStart(pieces.slice(same)).join('');
  return [...start.slice(0, same), rest.slice(0, commonLength(rest, other))];
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
  const rendersOf = (variants: readonly Conversation[]): readonly (readonly string[])[] =>
    variants.flatMap((variant) => {
      const withMedia = hasMedia(variant) ? [variant, withUnknownMedia(variant, options.contentFormat)] : [variant];
      return withMedia.flatMap((shown) => {
        const input = options.inputOf(shown);
        const variables = new RecordingVariables(input.variables);
        const pieces = options.render({ ...input, variables: variables as JsonObject });
        for (const name of variables.asked) asked.add(name);
        return pieces === null ? [] : [pieces];
      });
    });
  const variants = continuations(conversation);
  const [first, ...others] = rendersOf(options.triesOnce ? variants.slice(0, 1) : variants);
  if (first === undefined) return null;
  const likely = others.reduce(commonStart, knownStart(first));
  if (options.triesOnce) return { likely: likely.join(''), certain: '' };
  const [plainest] = variants;
  const changed = plainest === undefined ? [] : rendersOf(laterMembers(plainest, ['enable_thinking', ...asked]));
  return { likely: likely.join(''), certain: changed.reduce(commonStart, likely).join('') };
};
