/** Builders of KV-cache events as engine adapters hand them to the index. */

import type { BlockExtra, BlockRemoved, BlockStored, EngineKey, PromptIdentity } from '../../sidecar/kvindex/index.ts';

/** Engine key from a small number; different numbers give different keys. */
const engineKey = (number: number): EngineKey => ({ lo: number, hi: -number });

/** Engine keys as events carry them. */
const engineKeys = (...numbers: readonly number[]): Int32Array =>
  Int32Array.from(numbers.flatMap((number) => [number, -number]));

/** Tokens `first`, `first + 1`, …; different calls with the same arguments are equal. */
export const tokens = (count: number, first = 1): Int32Array =>
  Int32Array.from({ length: count }, (_, position) => first + position);

/** Identity of a prompt for the base model, with nothing but its tokens. */
export const plainIdentity: PromptIdentity = { loraName: null, salt: null, multimodal: [] };

/** A stored event: by default on the GPU, group 0, blocks of 4 tokens, from the prompt's start. */
export const stored = (event: {
  readonly keys: readonly number[];
  readonly tokenIds: Int32Array | readonly number[];
  readonly parent?: number;
  readonly blockSize?: number;
  readonly medium?: string;
  readonly group?: number;
  readonly attentionKind?: string;
  readonly loraName?: string;
  readonly extras?: readonly (readonly BlockExtra[] | null)[];
}): BlockStored => ({
  kind: 'block-stored',
  engineKeys: engineKeys(...event.keys),
  parent: event.parent === undefined ? null : engineKey(event.parent),
  tokenIds: Int32Array.from(event.tokenIds),
  blockSize: event.blockSize ?? 4,
  loraName: event.loraName ?? null,
  extras: event.extras ?? null,
  medium: event.medium ?? 'GPU',
  group: event.group ?? 0,
  attentionKind: event.attentionKind ?? null,
});

/** A stored event without tokens, as offload tiers send. */
export const placeholder = (keys: readonly number[], medium = 'CPU', group = 0): BlockStored =>
  stored({ keys, tokenIds: [], blockSize: 0, medium, group });

/** A removal, by default from the GPU, group 0. */
export const removed = (keys: readonly number[], medium = 'GPU', group = 0): BlockRemoved => ({
  kind: 'block-removed',
  engineKeys: engineKeys(...keys),
  medium,
  group,
});
