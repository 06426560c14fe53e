import type { Checkpoints } from './checkpoints.ts';
import type { RememberedTurn } from './conversation-record.ts';
import { type ChainKind, KeyChain } from './key-chain.ts';

/** Bytes that a piece takes besides its text, which is its message's. */
const PIECE_BYTES = 16;
const OVERHEAD_BYTES = 500;

/** A conversation's prompt as of its last turn: its pieces, where encoding can be taken up, keys of its blocks. */
export class EncodedTurn implements RememberedTurn {
  /** Whose tokens these are. */
  readonly owner: object;
  readonly checkpoints: Checkpoints;
  pieces: readonly string[] = [];
  /** Grows by 1 with each turn. */
  version = 0;
  #chains: KeyChain[] = [];

  constructor(owner: object, checkpoints: Checkpoints) {
    this.owner = owner;
    this.checkpoints = checkpoints;
  }

  get bytes(): number {
    let bytes = OVERHEAD_BYTES + this.pieces.length * PIECE_BYTES + this.checkpoints.bytes;
    for (const chain of this.#chains) bytes += chain.bytes;
    return bytes;
  }

  /** Begins a turn: returns how many of its pieces are those of the last one, and forgets what does not hold any longer. */
  begin(pieces: readonly string[]): number {
    const old = this.pieces;
    const most = Math.min(old.length, pieces.length);
    let same = 0;
    while (same < most && old[same] === pieces[same]) same += 1;
    this.checkpoints.keep(same);
    for (const chain of this.#chains) chain.keep(this.checkpoints.last.tokens);
    this.pieces = pieces;
    this.version += 1;
    return same;
  }

  /** The chain of a kind, new where there is none. */
  chain(kind: ChainKind): KeyChain {
    let chain = this.#chains.find((known) => known.is(kind));
    if (chain === undefined) {
      chain = new KeyChain(kind);
      // A conversation is asked about under one or two block sizes; a salt of each turn's own must not pile up.
      this.#chains = [...this.#chains.slice(-3), chain];
    }
    return chain;
  }

  branch(): EncodedTurn {
    const other = new EncodedTurn(this.owner, this.checkpoints.copy());
    other.pieces = this.pieces;
    other.#chains = this.#chains.map((chain) => chain.branch());
    return other;
  }
}
