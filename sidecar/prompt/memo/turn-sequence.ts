import { type BlockKeys, computeBlockKeys, type KeySeed, type PromptIdentity } from '../../kvindex/index.ts';
import type { PromptSequence } from '../types.ts';
import type { EncodedTurn } from './encoded-turn.ts';

/** What a turn's prompt is made of. */
export interface TurnSequenceParts {
  readonly state: EncodedTurn;
  readonly identity: PromptIdentity;
  /** False where only the beginning of the prompt was encoded. */
  readonly isWhole: boolean;
  /** Tokens that stand as in an earlier turn. */
  readonly keptTokens: number;
  /** How many of the last of their ids are known. */
  readonly keptIds: number;
  /** Those, and the ids behind them. */
  readonly ids: Int32Array;
  /** Makes all ids from the start. */
  readonly encodeWhole: () => Int32Array;
  /** Told of a block size for which the tail is too short. */
  readonly onLargerBlocks: (blockSize: number) => void;
  /** Told of keys that were made, where this turn is one to be checked; else null. */
  readonly check: ((sequence: PromptSequence, keys: BlockKeys, seed: KeySeed) => void) | null;
  readonly changed: () => void;
}

/** A prompt of which only the newest tokens were made; keys of its blocks go on from those of the turn before. */
export class TurnSequence implements PromptSequence {
  readonly isWhole: boolean;
  readonly tokenCount: number;
  readonly identity: PromptIdentity;
  readonly #parts: TurnSequenceParts;
  readonly #version: number;
  #whole: Int32Array | null = null;

  constructor(parts: TurnSequenceParts) {
    this.#parts = parts;
    this.#version = parts.state.version;
    this.identity = parts.identity;
    this.isWhole = parts.isWhole;
    this.tokenCount = parts.keptTokens + parts.ids.length - parts.keptIds;
  }

  get tokenIds(): Int32Array {
    this.#whole ??= this.#parts.keptTokens === 0 ? this.#parts.ids : this.#parts.encodeWhole();
    return this.#whole;
  }

  blockKeys(options: { readonly blockSize: number; readonly seed: KeySeed }): BlockKeys {
    const keys = this.#keys(options);
    this.#parts.check?.(this, keys, options.seed);
    return keys;
  }

  #keys({ blockSize, seed }: { readonly blockSize: number; readonly seed: KeySeed }): BlockKeys {
    const { state, identity, keptTokens, keptIds, ids } = this.#parts;
    const kind = { blockSize, seed, identity };
    const pending = keptTokens % blockSize;
    if (state.version !== this.#version || pending > keptIds) {
      if (pending > keptIds) this.#parts.onLargerBlocks(blockSize);
      return computeBlockKeys(this.tokenIds, kind);
    }
    const chain = state.chain(kind);
    const isKnown = chain.reaches(keptTokens);
    const keys = isKnown ? chain.extend(ids.subarray(keptIds - pending), keptTokens) : chain.extend(this.tokenIds, 0);
    this.#parts.changed();
    return keys;
  }
}
