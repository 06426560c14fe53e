import {
  type BlockKeys,
  createRoutingHistory,
  createSpeculativeIndex,
  type Holder,
} from '../../../sidecar/kvindex/index.ts';
import type { Benchmark } from '../harness.ts';
import { chatAt, keysOf } from './workload.ts';

const ENDPOINTS = 64;

interface Sent {
  readonly holder: Holder;
  readonly keys: BlockKeys;
}

const chats = (count: number): readonly Sent[] =>
  Array.from({ length: count }, (_, number) => {
    const chat = chatAt(number, ENDPOINTS);
    return { holder: (chat.endpoints[0] ?? 0) as Holder, keys: keysOf(chat) }; // stands for the index's own number
  });

const inTurn = (sent: readonly Sent[]): (() => Sent) => {
  let next = 0;
  return () => {
    const one = sent[next];
    next = (next + 1) % sent.length;
    if (one === undefined) throw new RangeError('nothing was sent');
    return one;
  };
};

/** Shared blocks block by block for every booked chain. */
const naiveMatch = (booked: readonly Sent[], keys: BlockKeys, into: Int32Array): void => {
  into.fill(0);
  for (const { holder, keys: other } of booked) {
    let shared = 0;
    const most = Math.min(keys.count, other.count);
    while (shared < most && keys.lo[shared] === other.lo[shared] && keys.hi[shared] === other.hi[shared]) shared += 1;
    into[holder] = Math.max(into[holder] ?? 0, shared);
  }
};

const speculation: Benchmark = {
  name: 'match against 500 bookings that share 32 system prompts',
  unit: 'prompt',
  unitsPerCall: 1,
  setup: () => {
    const booked = chats(500);
    const index = createSpeculativeIndex();
    for (const { holder, keys } of booked) index.book(holder, keys);
    const into = new Int32Array(ENDPOINTS);
    const next = inTurn(booked);
    return {
      baseline: 'naive',
      bodies: [
        { name: 'naive', run: () => naiveMatch(booked, next().keys, into) },
        { name: 'speculative index', run: () => index.match(next().keys, into) },
      ],
    };
  },
};

const history: Benchmark = {
  name: 'routing history of 64 endpoints with 31250 blocks each',
  unit: 'prompt',
  unitsPerCall: 1,
  setup: ({ isSmoke }) => {
    const sent = chats(isSmoke ? 100 : 10_000);
    const recorded = createRoutingHistory();
    for (const { holder, keys } of sent) recorded.record(holder, keys);
    const into = new Int32Array(ENDPOINTS);
    const next = inTurn(sent.slice(-256));
    const nextForgotten = inTurn(sent);
    const record = ({ holder, keys }: Sent): void => recorded.record(holder, keys);
    return {
      baseline: 'record',
      bodies: [
        { name: 'record', run: () => record(next()) },
        { name: 'record a prompt that is forgotten', run: () => record(nextForgotten()) },
        { name: 'match', run: () => recorded.match(next().keys, into), figures: () => ({ bytes: recorded.bytes }) },
      ],
    };
  },
};

export const benchmarks: readonly Benchmark[] = [speculation, history];
