import {
  type BlockRemoved,
  type BlockStored,
  createNaivePrefixIndex,
  createPrefixIndex,
  type Holder,
  type PrefixIndex,
} from '../../../sidecar/kvindex/index.ts';
import type { Benchmark, BenchmarkBody } from '../harness.ts';
import { chatAt, chatEvent, fill, keySeed, removalOf } from './workload.ts';

const ENDPOINTS = 64;
const CHAT_BLOCKS = 128;

/** Stores one new chat of 128 blocks and removes it again, tail last, on an index that is already full of others. */
const churn = (name: string, index: PrefixIndex, blocks: number): BenchmarkBody => {
  const filled = fill(index, { blocks, endpoints: ENDPOINTS });
  const events: { readonly holder: Holder; readonly stored: BlockStored; readonly removed: BlockRemoved }[] = [];
  for (let number = filled.chats.length; events.length < 64; number += 1) {
    const chat = chatAt(number, ENDPOINTS);
    const holder = filled.holders[chat.endpoints[0] ?? 0];
    if (chat.blocks !== CHAT_BLOCKS || holder === undefined) continue;
    events.push({ holder, stored: chatEvent(chat, 0, CHAT_BLOCKS), removed: removalOf(chat) });
  }
  let next = 0;
  return {
    name,
    run: () => {
      const event = events[next];
      next = (next + 1) % events.length;
      if (event === undefined) return undefined;
      const outcome = index.store(event.holder, event.stored);
      index.remove(event.holder, event.removed);
      return outcome;
    },
  };
};

/** Clearing and refilling one endpoint of many: what a restart of an engine costs. */
const clearing = (name: string, index: PrefixIndex, blocks: number): BenchmarkBody => {
  const filled = fill(index, { blocks, endpoints: 8 });
  const own = filled.chats.filter(({ endpoints }) => endpoints[0] === 0);
  const holder = filled.holders[0];
  if (holder === undefined) throw new RangeError('no endpoint');
  return {
    name,
    reset: () => {
      for (const chat of own) index.store(holder, { ...chatEvent(chat, 0, chat.blocks), parent: null });
    },
    run: () => index.clear(holder),
  };
};

const compare = (benchmark: Omit<Benchmark, 'setup'>, make: typeof churn, blocks: number): Benchmark => ({
  ...benchmark,
  setup: ({ isSmoke }) => ({
    baseline: 'naive',
    bodies: [
      make('naive', createNaivePrefixIndex({ keySeed }), isSmoke ? 5_000 : blocks),
      make('arena', createPrefixIndex({ keySeed }), isSmoke ? 5_000 : blocks),
    ],
  }),
});

export const benchmarks: readonly Benchmark[] = [
  compare(
    { name: 'store and remove 128 blocks among 500000', unit: 'block', unitsPerCall: CHAT_BLOCKS },
    churn,
    500_000,
  ),
  compare({ name: 'clear one of 8 endpoints with 400000 blocks', unit: 'clear', unitsPerCall: 1 }, clearing, 400_000),
];
