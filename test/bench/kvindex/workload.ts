/** Prompts and events like those of a busy fleet: shared system prompts, chats of four lengths, prefill in bursts. */

import { endpointId, seededRandom } from '../../../sidecar/core/index.ts';
import {
  type BlockKeys,
  type BlockStored,
  computeBlockKeys,
  type Holder,
  type KeySeed,
  type PrefixIndex,
  type PromptIdentity,
} from '../../../sidecar/kvindex/index.ts';

export const BLOCK_SIZE = 16;
export const keySeed: KeySeed = { lo: 1, hi: 2 };

const SYSTEM_PROMPTS = 32;
const SYSTEM_BLOCKS = 64;
const BURST_BLOCKS = 256;
const INTERLEAVED_CHAINS = 256;
const VOCABULARY = 150_000;

export const plain: PromptIdentity = { loraName: null, salt: null, multimodal: [] };

/** Lengths of chats in blocks behind the system prompt, with their cumulative shares. */
const lengths = [
  { blocks: 32, upTo: 0.3 },
  { blocks: 128, upTo: 0.7 },
  { blocks: 448, upTo: 0.98 },
  { blocks: 4032, upTo: 1 },
] as const;

/** One chat: everything about it follows from its number. */
export interface Chat {
  readonly number: number;
  readonly system: number;
  readonly blocks: number;
  /** Endpoints that serve it, one or two. */
  readonly endpoints: readonly number[];
}

export const chatAt = (number: number, endpoints: number): Chat => {
  const random = seededRandom(number * 7919 + 17);
  const share = random();
  const blocks = lengths.find(({ upTo }) => share <= upTo)?.blocks ?? 32;
  const system = Math.floor(random() * SYSTEM_PROMPTS);
  const first = Math.floor(random() * endpoints);
  const second = Math.floor(random() * endpoints);
  return { number, system, blocks, endpoints: random() < 0.5 || first === second ? [first] : [first, second] };
};

const fillTokens = (tokenIds: Int32Array, from: number, options: { seed: number; skip?: number }): void => {
  let state = Math.imul(options.seed + 1, 0x9e3779b1) | 0;
  for (let skipped = 0; skipped < (options.skip ?? 0); skipped += 1)
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
  for (let at = from; at < tokenIds.length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    tokenIds[at] = (state >>> 8) % VOCABULARY;
  }
};

/** A chat's prompt: system prompt and chat, plus a few tokens that fill no block. */
export const promptOf = (chat: Chat): Int32Array => {
  const system = new Int32Array(SYSTEM_BLOCKS * BLOCK_SIZE);
  fillTokens(system, 0, { seed: chat.system });
  const tokenIds = new Int32Array((SYSTEM_BLOCKS + chat.blocks) * BLOCK_SIZE + 5);
  tokenIds.set(system);
  fillTokens(tokenIds, system.length, { seed: chat.number + 1000 });
  return tokenIds;
};

export const keysOf = (chat: Chat): BlockKeys =>
  computeBlockKeys(promptOf(chat), { blockSize: BLOCK_SIZE, identity: plain, seed: keySeed });

/** Engine keys of a chat's blocks; those of a system prompt are the same in all of its chats. */
const engineKeysOf = (options: { seed: number; from: number; count: number }): Int32Array => {
  const keys = new Int32Array(options.count * 2);
  for (let block = 0; block < options.count; block += 1) {
    const mixed = Math.imul((options.seed + 1) ^ Math.imul(options.from + block + 1, 0x85ebca77), 0x9e3779b1);
    keys[block * 2] = mixed ^ (mixed >>> 15);
    keys[block * 2 + 1] = Math.imul(options.seed + 7, 0x27d4eb2f) + options.from + block;
  }
  return keys;
};

const storedEvent = (run: {
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  readonly parentSeed: number | null;
  readonly tokenIds: Int32Array;
}): BlockStored => {
  const parentKeys =
    run.from === 0
      ? run.parentSeed === null
        ? null
        : engineKeysOf({ seed: run.parentSeed, from: SYSTEM_BLOCKS - 1, count: 1 })
      : engineKeysOf({ seed: run.seed, from: run.from - 1, count: 1 });
  return {
    kind: 'block-stored',
    engineKeys: engineKeysOf(run),
    parent: parentKeys === null ? null : { lo: parentKeys[0] ?? 0, hi: parentKeys[1] ?? 0 },
    tokenIds: run.tokenIds,
    blockSize: BLOCK_SIZE,
    loraName: null,
    extras: null,
    medium: 'GPU',
    group: 0,
    attentionKind: 'full_attention',
  };
};

/** Events of one run of a chat's own blocks. */
export const chatEvent = (chat: Chat, from: number, count: number): BlockStored => {
  const tokenIds = new Int32Array(count * BLOCK_SIZE);
  fillTokens(tokenIds, 0, { seed: chat.number + 1000, skip: from * BLOCK_SIZE });
  return storedEvent({ seed: chat.number + 1000, from, count, parentSeed: chat.system, tokenIds });
};

/** Removal of one run of a chat's own blocks, as an engine reclaims them: from the end. */
export const removalOf = (chat: Chat) => ({
  kind: 'block-removed' as const,
  engineKeys: engineKeysOf({ seed: chat.number + 1000, from: 0, count: chat.blocks }),
  medium: 'GPU',
  group: 0,
});

const systemEvent = (system: number): BlockStored => {
  const tokenIds = new Int32Array(SYSTEM_BLOCKS * BLOCK_SIZE);
  fillTokens(tokenIds, 0, { seed: system });
  return storedEvent({ seed: system, from: 0, count: SYSTEM_BLOCKS, parentSeed: null, tokenIds });
};

/** What filling an index gave. */
export interface Filled {
  readonly holders: readonly Holder[];
  readonly chats: readonly Chat[];
  readonly storedBlocks: number;
  readonly storeMs: number;
  readonly longestStoreMs: number;
}

/** Fills an index with `blocks` distinct blocks over `endpoints` endpoints; `burst` is the most blocks an event has. */
export const fill = (
  index: PrefixIndex,
  options: { readonly blocks: number; readonly endpoints: number; readonly burst?: number },
): Filled => {
  const { blocks, endpoints, burst = BURST_BLOCKS } = options;
  const holders = Array.from({ length: endpoints }, (_, number) => index.addHolder(endpointId(`pool/${number}`)));
  let storedBlocks = 0;
  let storeMs = 0;
  let longestStoreMs = 0;
  const store = (endpoint: number, event: BlockStored): void => {
    const holder = holders[endpoint];
    if (holder === undefined) throw new RangeError('no such endpoint');
    const startMs = performance.now();
    index.store(holder, event);
    const tookMs = performance.now() - startMs;
    storeMs += tookMs;
    longestStoreMs = Math.max(longestStoreMs, tookMs);
    storedBlocks += event.engineKeys.length / 2;
  };
  for (let system = 0; system < SYSTEM_PROMPTS; system += 1) {
    for (let endpoint = 0; endpoint < endpoints; endpoint += 1) store(endpoint, systemEvent(system));
  }
  const chats: Chat[] = [];
  let open: { readonly chat: Chat; done: number }[] = [];
  let distinct = SYSTEM_PROMPTS * SYSTEM_BLOCKS;
  while (distinct < blocks || open.length > 0) {
    while (open.length < INTERLEAVED_CHAINS && distinct < blocks) {
      const chat = chatAt(chats.length, endpoints);
      chats.push(chat);
      open.push({ chat, done: 0 });
      distinct += chat.blocks;
    }
    for (const entry of open) {
      const count = Math.min(burst, entry.chat.blocks - entry.done);
      const event = chatEvent(entry.chat, entry.done, count);
      for (const endpoint of entry.chat.endpoints) store(endpoint, event);
      entry.done += count;
    }
    open = open.filter(({ chat, done }) => done < chat.blocks);
  }
  return { holders, chats, storedBlocks, storeMs, longestStoreMs };
};
