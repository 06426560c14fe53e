import type { PromptIdentity } from '../../kvindex/index.ts';
import type { ByteLevelBpe } from '../tokenizer/byte-level-bpe.ts';
import { TokenArena } from '../tokenizer/token-arena.ts';
import { AddedTokenEnds } from './added-token-ends.ts';
import { Checkpoints } from './checkpoints.ts';
import type { ChatTurn } from './conversation-record.ts';
import { EncodedTurn } from './encoded-turn.ts';
import { TurnSequence, type TurnSequenceParts } from './turn-sequence.ts';

/** Text between two checkpoints, at least. */
const CHECKPOINT_BYTES = 256;
/** Bytes of UTF-8 that one UTF-16 unit can take. */
const MAX_UNIT_BYTES = 3;
/** Scratch memory that is kept for the next call. */
const KEPT_SCRATCH_BYTES = 1 << 21;
const SMALLEST_BLOCK = 16;
/** Larger blocks than any engine's. */
const LARGEST_BLOCK = 1024;

/** What one turn is encoded with. */
export interface TurnOptions {
  readonly turn: ChatTurn;
  readonly identity: PromptIdentity;
  readonly check: TurnSequenceParts['check'];
}

/**
 * Encodes the pieces of growing conversations' prompts: of each only what lies behind the last added token that is still
 * in place. Exact since text is split at added tokens before anything else looks at it; see {@link reasonAgainstMemo}.
 */
export class TurnEncoder {
  readonly #tokenizer: ByteLevelBpe;
  readonly #ends: AddedTokenEnds;
  readonly #arena = new TokenArena();
  #scratch = Buffer.allocUnsafeSlow(1 << 16);
  #largestBlock = SMALLEST_BLOCK;

  constructor(tokenizer: ByteLevelBpe, addedTokens: readonly string[]) {
    this.#tokenizer = tokenizer;
    this.#ends = new AddedTokenEnds(addedTokens);
  }

  /** Tokens of a turn's prompt; null where a piece holds half a surrogate pair. */
  encode(pieces: readonly string[], { turn, identity, check }: TurnOptions): TurnSequence | null {
    const state = this.#stateOf(turn);
    const same = state.begin(pieces);
    for (let at = same; at < pieces.length; at += 1) {
      if (pieces[at]?.isWellFormed() === true) continue;
      turn.record.turn = null;
      return null;
    }
    const { checkpoints } = state;
    const keptTokens = checkpoints.last.tokens;
    const tail = checkpoints.tail();
    this.#arena.truncate(0);
    this.#append(pieces, checkpoints, tail);
    const newIds = this.#arena.toArray();
    if (this.#scratch.length > KEPT_SCRATCH_BYTES) this.#scratch = Buffer.allocUnsafeSlow(1 << 16);
    turn.changed();
    return new TurnSequence({
      state,
      identity,
      keptTokens,
      tail,
      newIds,
      check,
      encodeWhole: () => this.#tokenizer.encodePieces(pieces),
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

  /** Encodes what lies behind the last checkpoint and adds checkpoints on the way. */
  #append(pieces: readonly string[], checkpoints: Checkpoints, tail: Int32Array): void {
    const { last } = checkpoints;
    let length = last.pieces === 0 ? 0 : this.#write((pieces[last.pieces - 1] ?? '').slice(last.offset), 0);
    for (let at = last.pieces; at < pieces.length; at += 1) {
      const piece = pieces[at] ?? '';
      const offset = length + piece.length < CHECKPOINT_BYTES ? 0 : this.#ends.lastIn(piece);
      if (offset === 0) {
        length = this.#write(piece, length);
        continue;
      }
      const before = this.#arena.length;
      length = this.#write(piece.slice(0, offset), length);
      const endsInAddedToken = this.#tokenizer.encodeUtf8(this.#scratch.subarray(0, length), this.#arena);
      if (endsInAddedToken) {
        length = 0;
        const place = { pieces: at + 1, offset, tokens: last.tokens + this.#arena.length };
        checkpoints.push(place, this.#lastIds(tail, checkpoints.tailLength));
      } else {
        // It looked like an added token, but another one took its beginning.
        this.#arena.truncate(before);
      }
      length = this.#write(piece.slice(offset), length);
    }
    this.#tokenizer.encodeUtf8(this.#scratch.subarray(0, length), this.#arena);
  }

  #write(piece: string, at: number): number {
    const needed = at + piece.length * MAX_UNIT_BYTES;
    if (needed > this.#scratch.length) {
      const grown = Buffer.allocUnsafeSlow(needed * 2);
      this.#scratch.copy(grown, 0, 0, at);
      this.#scratch = grown;
    }
    return at + this.#scratch.write(piece, at);
  }

  /** The last `count` ids of those kept and those encoded. */
  #lastIds(tail: Int32Array, count: number): Int32Array {
    const { ids, length } = this.#arena;
    if (length >= count) return ids.slice(length - count, length);
    const last = new Int32Array(Math.min(count, tail.length + length));
    last.set(tail.subarray(tail.length - (last.length - length)));
    last.set(ids.subarray(0, length), last.length - length);
    return last;
  }
}

/** Why a tokenizer's prompts cannot be encoded turn by turn; null where they can. */
export const reasonAgainstMemo = (tokenizer: ByteLevelBpe): string | null =>
  tokenizer.canRestartAfterAddedToken
    ? null
    : 'turns are encoded whole: an added token looks at its surroundings or holds another';
