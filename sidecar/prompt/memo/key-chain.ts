import { type BlockKeys, computeBlockKeys, type KeySeed, type PromptIdentity } from '../../kvindex/index.ts';

/** Which chain: keys of one prompt differ with any of these. */
export interface ChainKind {
  readonly blockSize: number;
  readonly seed: KeySeed;
  readonly identity: PromptIdentity;
}

const none = new Int32Array(0);
/** Room for the next turns. */
const SPARE_BLOCKS = 64;

/** Keys of a conversation's blocks as of its last turn, under one block size. */
export class KeyChain {
  readonly #kind: ChainKind;
  #lo: Int32Array;
  #hi: Int32Array;
  /** Blocks that hold for the turn at hand. */
  #validBlocks = 0;
  /** Entries that were handed out, and must stay as they are. */
  #usedBlocks = 0;

  constructor(kind: ChainKind) {
    this.#kind = kind;
    this.#lo = none;
    this.#hi = none;
  }

  get bytes(): number {
    return this.#lo.byteLength * 2;
  }

  /** Whether it is the chain of this kind. Prompts with multimodal items have none. */
  is({ blockSize, seed, identity }: ChainKind): boolean {
    const own = this.#kind;
    return (
      own.blockSize === blockSize &&
      own.seed.lo === seed.lo &&
      own.seed.hi === seed.hi &&
      own.identity.loraName === identity.loraName &&
      own.identity.salt === identity.salt
    );
  }

  /** The conversation's first `tokens` tokens stay as they were. */
  keep(tokens: number): void {
    this.#validBlocks = Math.min(this.#validBlocks, Math.floor(tokens / this.#kind.blockSize));
  }

  /** Whether keys are known up to the block that token number `token` lies in. */
  reaches(token: number): boolean {
    return this.#validBlocks >= Math.floor(token / this.#kind.blockSize);
  }

  /**
   * Goes on from the block that token number `from` lies in; `tokenIds` begin with that block. Keys that were handed out
   * earlier never change.
   */
  extend(tokenIds: Int32Array, from: number): BlockKeys {
    const { blockSize, seed, identity } = this.#kind;
    const blocks = Math.floor(from / blockSize);
    const count = blocks + Math.floor(tokenIds.length / blockSize);
    if (blocks < this.#usedBlocks || count > this.#lo.length) this.#renew(blocks, count);
    const into = { lo: this.#lo, hi: this.#hi };
    const last = { blocks, lo: this.#lo[blocks - 1] ?? 0, hi: this.#hi[blocks - 1] ?? 0 };
    const resume = blocks === 0 ? {} : { resume: last };
    this.#validBlocks = count;
    this.#usedBlocks = count;
    return computeBlockKeys(tokenIds, { blockSize, seed, identity, into, ...resume });
  }

  /** The same for a conversation that goes another way from here. */
  branch(): KeyChain {
    const chain = new KeyChain(this.#kind);
    chain.#lo = this.#lo;
    chain.#hi = this.#hi;
    chain.#validBlocks = this.#validBlocks;
    // Both go on in arrays of their own.
    chain.#usedBlocks = Number.POSITIVE_INFINITY;
    this.#usedBlocks = Number.POSITIVE_INFINITY;
    return chain;
  }

  #renew(blocks: number, count: number): void {
    const length = count + SPARE_BLOCKS + (count >>> 4);
    const copy = (old: Int32Array): Int32Array => {
      const renewed = new Int32Array(length);
      renewed.set(old.subarray(0, blocks));
      return renewed;
    };
    this.#lo = copy(this.#lo);
    this.#hi = copy(this.#hi);
  }
}
