import { type BlockKeys, computeBlockKeys, type KeySeed, type PromptIdentity } from '../../kvindex/index.ts';

/** Which chain: keys of one prompt differ with any of these. */
export interface ChainKind {
  readonly blockSize: number;
  readonly seed: KeySeed;
  readonly identity: PromptIdentity;
}

/** Keys of a conversation's blocks as of its last turn, under one block size. */
export class KeyChain {
  readonly #kind: ChainKind;
  #keys: BlockKeys;
  /** Blocks that hold for the turn at hand. */
  #validBlocks = 0;

  constructor(kind: ChainKind) {
    this.#kind = kind;
    const none = new Int32Array(0);
    this.#keys = { blockSize: kind.blockSize, count: 0, lo: none, hi: none };
  }

  get bytes(): number {
    return this.#keys.lo.byteLength * 2;
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
   * Goes on from the block that token number `from` lies in; `tokenIds` begin with that block. Earlier keys that were
   * handed out stay as they are: the arrays are new ones.
   */
  extend(tokenIds: Int32Array, from: number): BlockKeys {
    const { blockSize, seed, identity } = this.#kind;
    const blocks = Math.floor(from / blockSize);
    const count = blocks + Math.floor(tokenIds.length / blockSize);
    const { lo, hi } = this.#keys;
    const into = { lo: new Int32Array(count), hi: new Int32Array(count) };
    into.lo.set(lo.subarray(0, blocks));
    into.hi.set(hi.subarray(0, blocks));
    const resume = blocks === 0 ? {} : { resume: { blocks, lo: lo[blocks - 1] ?? 0, hi: hi[blocks - 1] ?? 0 } };
    this.#keys = computeBlockKeys(tokenIds, { blockSize, seed, identity, into, ...resume });
    this.#validBlocks = this.#keys.count;
    return this.#keys;
  }

  /** The same for a conversation that goes another way from here; keys are shared, since they are never changed. */
  branch(): KeyChain {
    const chain = new KeyChain(this.#kind);
    chain.#keys = this.#keys;
    chain.#validBlocks = this.#validBlocks;
    return chain;
  }
}
