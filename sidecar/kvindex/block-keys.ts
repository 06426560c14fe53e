/** Keys of a prompt's full blocks, in prompt order: 64 bits each as two Int32 halves. Never an engine's hash. */
export interface BlockKeys {
  /** Tokens a block. Keys of different block sizes never match each other. */
  readonly blockSize: number;
  /** Number of full blocks; entries of `lo` and `hi` beyond it are meaningless. */
  readonly count: number;
  readonly lo: Int32Array;
  readonly hi: Int32Array;
}

/**
 * Arrays that one key computation after another may write to. Grown (replaced by larger copies) by
 * {@link computeBlockKeys} where they are too short; keys returned earlier then keep the old arrays.
 */
export interface BlockKeyBuffer {
  lo: Int32Array;
  hi: Int32Array;
}

/**
 * 64 random bits mixed into every key, so that no client can prepare colliding prompts. Keys made under different
 * seeds never match.
 */
export interface KeySeed {
  readonly lo: number;
  readonly hi: number;
}

/**
 * One element of a block's identity beyond its tokens, as vLLM's `extra_keys` carries them: a salt or plain multimodal
 * identifier (string), a multimodal identifier with its token offset from the block's start (may be negative), or the
 * digest of prompt embeddings (bytes; such blocks are indexed but never matched).
 */
export type BlockExtra = string | readonly [identifier: string, offset: number] | Uint8Array;

/** A multimodal item of a prompt. */
export interface MultimodalItem {
  /** The engine's identifier of the item (its hash). */
  readonly identifier: string;
  /** First placeholder token's position in the prompt. */
  readonly offset: number;
  /** Number of placeholder tokens. */
  readonly length: number;
}

/** What besides its tokens makes a prompt's blocks its own. */
export interface PromptIdentity {
  /** LoRA adapter by name, null for the base model. */
  readonly loraName: string | null;
  /** `cache_salt`; part of block 0 only. */
  readonly salt: string | null;
  /** In ascending order of offset. */
  readonly multimodal: readonly MultimodalItem[];
}

/**
 * How an engine writes multimodal items into a block's identity: with the item's offset from the block's start
 * (vLLM 0.19 and later) or as the bare identifier (0.17 and 0.18).
 */
export type MultimodalForm = 'identifier-and-offset' | 'identifier';
