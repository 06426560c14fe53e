import type { ByteLevelBpe } from '../tokenizer/byte-level-bpe.ts';
import { TokenArena } from '../tokenizer/token-arena.ts';
import type { AddedTokenEnds } from './added-token-ends.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Steps } from './in-slices.ts';
import type { TextSlicer } from './text-slicer.ts';

/** Text between two checkpoints, at least. */
const CHECKPOINT_BYTES = 256;
/** Bytes of UTF-8 that one UTF-16 unit can take. */
const MAX_UNIT_BYTES = 3;
const INITIAL_BYTES = 1 << 16;
/** Memory that is kept for the next text. */
const KEPT_BYTES = 1 << 21;

/** What pieces are encoded with. */
export interface PieceTools {
  readonly tokenizer: ByteLevelBpe;
  readonly ends: AddedTokenEnds;
  /** Null where text can only be cut at added tokens. */
  readonly slicer: TextSlicer | null;
}

/** Encodes the pieces of a prompt that lie behind a checkpoint. Holds what belongs to one prompt at a time. */
export class PieceText {
  readonly #tools: PieceTools;
  #arena = new TokenArena();
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);

  constructor(tools: PieceTools) {
    this.#tools = tools;
  }

  /** The ids that the checkpoint kept, and behind them those of the last text. */
  takeIds(): Int32Array {
    const ids = this.#arena.toArray();
    if (ids.byteLength > KEPT_BYTES) this.#arena = new TokenArena();
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    return ids;
  }

  /**
   * Encodes what lies behind the last checkpoint and adds checkpoints on the way. Gives back control after each slice of
   * about half a millisecond.
   */
  *encode(pieces: readonly string[], checkpoints: Checkpoints): Steps<void> {
    const { last } = checkpoints;
    const tail = checkpoints.tail();
    this.#arena.truncate(0);
    this.#arena.append(tail, tail.length);
    let length = last.pieces === 0 ? 0 : this.#write((pieces[last.pieces - 1] ?? '').slice(last.offset), 0);
    for (let at = last.pieces; at < pieces.length; at += 1) {
      const piece = pieces[at] ?? '';
      const offset = length + piece.length < CHECKPOINT_BYTES ? 0 : this.#tools.ends.lastIn(piece);
      if (offset === 0) {
        length = this.#write(piece, length);
        continue;
      }
      const before = this.#arena.length;
      length = this.#write(piece.slice(0, offset), length);
      if (yield* this.#encodeText(length)) {
        length = 0;
        const tokens = last.tokens + this.#arena.length - tail.length;
        checkpoints.push({ pieces: at + 1, offset, tokens }, this.#lastIds(checkpoints.tailLength));
      } else {
        // It looked like an added token, but another one took its beginning.
        this.#arena.truncate(before);
      }
      length = this.#write(piece.slice(offset), length);
    }
    yield* this.#encodeText(length);
  }

  /** Encodes the first `length` bytes; whether they end in an added token. */
  *#encodeText(length: number): Steps<boolean> {
    const { tokenizer, slicer } = this.#tools;
    let endsInAddedToken = false;
    for (let from = 0; from < length; ) {
      const to = slicer === null ? length : slicer.sliceEnd(this.#bytes, from, length);
      endsInAddedToken = tokenizer.encodeUtf8(this.#bytes.subarray(from, to), this.#arena);
      from = to;
      yield;
    }
    return endsInAddedToken;
  }

  #write(piece: string, at: number): number {
    const needed = at + piece.length * MAX_UNIT_BYTES;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(needed * 2);
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    return at + this.#bytes.write(piece, at);
  }

  /** The last `count` ids, or all. */
  #lastIds(count: number): Int32Array {
    const { ids, length } = this.#arena;
    return ids.slice(Math.max(0, length - count), length);
  }
}
