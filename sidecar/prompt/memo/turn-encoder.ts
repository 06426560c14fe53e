import type { Clock } from '../../core/index.ts';
import type { PromptIdentity } from '../../kvindex/index.ts';
import type { ByteLevelBpe } from '../tokenizer/byte-level-bpe.ts';
import type { EncodeOptions } from '../tokenizer/port.ts';
import { AddedTokenEnds } from './added-token-ends.ts';
import { Checkpoints } from './checkpoints.ts';
import type { ChatTurn } from './conversation-record.ts';
import { EncodedTurn } from './encoded-turn.ts';
import { atOnce, inSlices, type Steps } from './in-slices.ts';
import { PieceText, type PieceTools } from './piece-text.ts';
import { shorten } from './shorten.ts';
import { TextSlicer } from './text-slicer.ts';
import { TurnSequence, type TurnSequenceParts } from './turn-sequence.ts';

const LONGEST_PROMPT = 4 * 2 ** 20;
const SMALLEST_BLOCK = 16;
/** Larger blocks than any engine's. */
const LARGEST_BLOCK = 1024;
/** New text that is encoded in one go, in UTF-16 units; a millisecond or two of text never seen before. */
const MOST_AT_ONCE = 24 * 1024;

/** What one turn is encoded with. */
export interface TurnOptions {
  /** Null where nothing is remembered of the conversation. */
  readonly turn: ChatTurn | null;
  readonly identity: PromptIdentity;
  readonly check: TurnSequenceParts['check'];
}

const forgotten = (): ChatTurn => ({
  record: { turn: null },
  messages: [],
  changed: () => {},
  checked: () => {},
});

/** What a {@link TurnEncoder} is made of. */
export interface TurnEncoderParts {
  readonly tokenizer: ByteLevelBpe;
  /** Texts of the tokenizer's added tokens. */
  readonly addedTokens: readonly string[];
  /** Whether text between added tokens can be cut, as where the tokenizer has a scanner for it. */
  readonly canCutText: boolean;
  readonly clock: Clock;
  /** UTF-16 units of a prompt that are encoded; what lies beyond is not known. Default 4 million. */
  readonly maxPromptLength?: number;
}

/**
 * Encodes the pieces of growing conversations' prompts: of each only what lies behind the last added token that is still
 * in place. Exact since text is split at added tokens before anything else looks at it; see {@link reasonAgainstMemo}.
 */
export class TurnEncoder {
  readonly #tools: PieceTools;
  readonly #clock: Clock;
  readonly #text: PieceText;
  readonly #maxPromptLength: number;
  #largestBlock = SMALLEST_BLOCK;

  constructor({ tokenizer, addedTokens, canCutText, clock, maxPromptLength = LONGEST_PROMPT }: TurnEncoderParts) {
    const slicer = canCutText ? new TextSlicer(addedTokens) : null;
    this.#tools = { tokenizer, ends: new AddedTokenEnds(addedTokens), slicer };
    this.#clock = clock;
    this.#maxPromptLength = maxPromptLength;
    this.#text = new PieceText(this.#tools);
  }

  /** Tokens of a turn's prompt; null where a piece holds half a surrogate pair. */
  encode(pieces: readonly string[], options: TurnOptions): TurnSequence | null {
    const turn = options.turn ?? forgotten();
    const state = this.#stateOf(turn);
    const same = state.begin(pieces);
    if (!areWellFormed(pieces, same)) {
      turn.record.turn = null;
      return null;
    }
    const kept = keptOf(state);
    atOnce(this.#text.encode(pieces, state.checkpoints));
    return this.#sequence(pieces, { ...options, ...kept, turn, isWhole: true, ids: this.#text.takeIds() });
  }

  /** Whether a turn's new text is so long that {@link encodeLater} should encode it. */
  isLong(pieces: readonly string[], turn: ChatTurn | null): boolean {
    const known = turn?.record.turn;
    const old = known instanceof EncodedTurn && known.owner === this ? known.pieces : [];
    let length = 0;
    for (let at = 0; at < pieces.length; at += 1) {
      if (old[at] === pieces[at]) continue;
      length += pieces[at]?.length ?? 0;
      if (length > MOST_AT_ONCE) return true;
    }
    return false;
  }

  /**
   * As {@link encode}, in slices of a millisecond, between which others have their turn. Of a prompt longer than any
   * engine takes only the beginning is encoded.
   */
  async encodeLater(wholePrompt: readonly string[], options: TurnOptions): Promise<TurnSequence | null> {
    const pieces = shorten(wholePrompt, this.#maxPromptLength);
    const isWhole = pieces === wholePrompt;
    const turn = (isWhole ? options.turn : null) ?? forgotten();
    const known = this.#stateOf(turn);
    const { version } = known;
    const state = known.branch();
    if (!areWellFormed(pieces, state.begin(pieces))) return null;
    const kept = keptOf(state);
    const text = new PieceText(this.#tools);
    await inSlices(text.encode(pieces, state.checkpoints), this.#clock);
    if (turn.record.turn === known && known.version === version) turn.record.turn = state;
    return this.#sequence(pieces, { ...options, ...kept, turn, isWhole, ids: text.takeIds() });
  }

  /** Ids of a text of which nothing is remembered, as the tokenizer's `encode` makes them. Short ones in a single step. */
  *encodeText(text: string, options: EncodeOptions): Steps<Int32Array> {
    const { tokenizer } = this.#tools;
    if (text.length <= MOST_AT_ONCE) return tokenizer.encode(text, options);
    const encoding = new PieceText(this.#tools);
    yield* encoding.encode([text], new Checkpoints(0));
    const ids = encoding.takeIds();
    return options.addSpecialTokens ? tokenizer.withSpecialTokens(ids) : ids;
  }

  /** The last place in front of `at` where a text can be cut into two that are encoded one by one; 0 where none is known. */
  cutBefore(text: string, at: number): number {
    return this.#tools.slicer?.cutBefore(text, at) ?? 0;
  }

  #sequence(
    pieces: readonly string[],
    parts: Omit<TurnSequenceParts, 'encodeWhole' | 'onLargerBlocks' | 'changed'> & { readonly turn: ChatTurn },
  ): TurnSequence {
    const { turn, ...rest } = parts;
    turn.changed();
    return new TurnSequence({
      ...rest,
      encodeWhole: () => this.#tools.tokenizer.encodePieces(pieces),
      onLargerBlocks: (blockSize) => this.#growTails(blockSize),
      changed: () => turn.changed(),
    });
  }

  #stateOf({ record }: ChatTurn): EncodedTurn {
    const known = record.turn;
    const tailLength = this.#largestBlock - 1;
    if (known instanceof EncodedTurn && known.owner === this && known.checkpoints.tailLength === tailLength)
      return known;
    const state = new EncodedTurn(this, new Checkpoints(tailLength));
    record.turn = state;
    return state;
  }

  #growTails(blockSize: number): void {
    if (blockSize <= LARGEST_BLOCK) this.#largestBlock = Math.max(this.#largestBlock, blockSize);
  }
}

const keptOf = (state: EncodedTurn): Pick<TurnSequenceParts, 'state' | 'keptTokens' | 'keptIds'> => {
  const { last, keptIds } = state.checkpoints;
  return { state, keptTokens: last.tokens, keptIds };
};

/** Whether no piece from number `from` on holds half a surrogate pair. */
const areWellFormed = (pieces: readonly string[], from: number): boolean => {
  for (let at = from; at < pieces.length; at += 1) if (pieces[at]?.isWellFormed() !== true) return false;
  return true;
};

/** Why a tokenizer's prompts cannot be encoded turn by turn; null where they can. */
export const reasonAgainstMemo = (tokenizer: ByteLevelBpe): string | null =>
  tokenizer.canRestartAfterAddedToken
    ? null
    : 'turns are encoded whole: an added token looks at its surroundings or holds another';
