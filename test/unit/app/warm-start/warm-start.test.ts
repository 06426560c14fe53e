import { describe, expect, it } from '@jest/globals';
import type { WarmSource } from '../../../../sidecar/app/warm-start/warm-source.ts';
import {
  createWarmStart,
  type WarmOutcome,
  type WarmTarget,
  type Warmth,
} from '../../../../sidecar/app/warm-start/warm-start.ts';
import { SidecarError, silentMetrics } from '../../../../sidecar/core/index.ts';
import type { DumpedEndpoint } from '../../../../sidecar/events/index.ts';
import type { KeySeed } from '../../../../sidecar/kvindex/index.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { createRecordingLogger } from '../../../support/stream-harness.ts';

const dumped = (id: string): DumpedEndpoint => ({
  id,
  address: '10.0.0.7:8000',
  rank: 0,
  engine: 'vllm',
  startedAtSeconds: null,
  expectedBytes: 0,
  position: {
    last: 1,
    firstTimestamp: 1,
    lastTimestamp: 1,
    marks: [],
    appliedBatches: 1,
    lostBatches: 0,
    storedBlocks: 0,
    orphanedBlocks: 0,
  },
  content: new Uint8Array(),
});

/** A source that knows of endpoints; `asked` holds what it was asked for. */
const source = (
  name: string,
  options: { knows?: readonly string[]; seed?: KeySeed | null; failure?: SidecarError; kind?: WarmSource['kind'] } = {},
): WarmSource & { readonly asked: (readonly string[])[] } => {
  const { knows = [], seed = null, failure, kind = 'peer' } = options;
  const asked: (readonly string[])[] = [];
  return {
    kind,
    name,
    asked,
    async *read(endpoints) {
      asked.push(endpoints);
      if (failure !== undefined) throw failure;
      for (const id of knows) yield dumped(id);
    },
    keySeed: async () => {
      if (failure !== undefined) throw failure;
      return seed;
    },
  };
};

/** Endpoints whose states a test sets; what is adopted is complete. */
interface FakeTarget extends WarmTarget {
  readonly states: Map<string, Warmth>;
  readonly adopted: string[];
  outcome: WarmOutcome | SidecarError;
  pendingEndpoints: number;
  isReleased: boolean;
}

const createTarget = (states: Readonly<Record<string, Warmth>>): FakeTarget => {
  const target: FakeTarget = {
    states: new Map(Object.entries(states)),
    adopted: [],
    outcome: 'adopted',
    pendingEndpoints: 0,
    isReleased: false,
    warmth: () => target.states,
    pending: () => target.pendingEndpoints,
    adopt: async ({ id }) => {
      const { outcome } = target;
      if (outcome instanceof SidecarError) throw outcome;
      target.adopted.push(id);
      if (outcome === 'adopted') target.states.set(id, 'complete');
      return outcome;
    },
    release: () => {
      target.isReleased = true;
    },
  };
  return target;
};

const begin = (target: WarmTarget, sources: readonly WarmSource[] | null) => {
  const clock = createFakeClock();
  const logger = createRecordingLogger();
  const stopping = new AbortController();
  const start = createWarmStart({
    findSources: sources === null ? null : async () => sources,
    timeoutMs: 10_000,
    target,
    instance: 'me',
    clock,
    logger,
    metrics: silentMetrics,
    signal: stopping.signal,
  });
  return { start, clock, logger, stopping };
};

/** Lets pending work go on for so long. */
const pass = async (clock: FakeClock, ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += 20) await clock.advance(20);
};

describe('a warm start', () => {
  it('is done at once where nothing is configured', async () => {
    const target = createTarget({ a: 'lacking' });
    const { start } = begin(target, null);
    expect(start.condition()).toEqual({ name: 'warm-start', isMet: true, detail: 'not configured' });
    expect(start.keySeed).not.toBeNull();
    expect(start.isPending).toBe(false);
    await start.run();
    expect(target.adopted).toEqual([]);
  });

  it('takes on the first key seed that a source tells', async () => {
    const failure = new SidecarError('unavailable', 'refused');
    const sources = [source('a', { failure }), source('b'), source('c', { seed: { lo: 1, hi: 2 } }), source('d')];
    const { start } = begin(createTarget({}), sources);
    expect(start.keySeed).toBeNull();
    await start.prepare();
    expect(start.keySeed).toEqual({ lo: 1, hi: 2 });
  });

  it('goes on with a seed of its own after a second without an answer', async () => {
    const silent: WarmSource = {
      ...source('a'),
      keySeed: ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new SidecarError('unavailable', '')))),
    };
    const { start, clock } = begin(createTarget({}), [silent]);
    const prepared = start.prepare();
    await clock.advance(1000);
    await prepared;
    expect(start.keySeed).not.toBeNull();
  });

  it('asks peers, then the file, for what the engines’ replay leaves open', async () => {
    const target = createTarget({ a: 'complete', b: 'lacking', c: 'lacking', d: 'away' });
    const peer = source('http://peer', { knows: ['b'] });
    const file = source('/file', { knows: ['a', 'b', 'c'], kind: 'file' });
    const { start } = begin(target, [peer, file]);
    await start.run();
    expect({ peer: peer.asked, file: file.asked }).toEqual({ peer: [['b', 'c']], file: [['c']] });
    expect(target).toMatchObject({ adopted: ['b', 'c'], isReleased: true });
    expect(start.condition()).toEqual({
      name: 'warm-start',
      isMet: true,
      detail: '3 complete, 0 lacking, 1 away; http://peer: 1 adopted; /file: 1 adopted',
    });
  });

  it('asks for each endpoint once its first replay is over', async () => {
    const target = createTarget({ a: 'waiting', b: 'lacking' });
    const peer = source('peer', { knows: ['a', 'b'] });
    const { start, clock } = begin(target, [peer]);
    const run = start.run();
    await pass(clock, 100);
    expect(start.condition()).toMatchObject({ isMet: false, detail: expect.stringContaining('waiting: 1 complete') });
    target.pendingEndpoints = 1;
    target.states.set('a', 'lacking');
    await pass(clock, 100);
    expect(start.isPending).toBe(true);
    target.pendingEndpoints = 0;
    target.states.set('c', 'complete');
    await pass(clock, 40);
    await run;
    expect(peer.asked).toEqual([['b'], ['a']]);
    expect(start.condition().detail).toBe('3 complete, 0 lacking, 0 away; peer: 2 adopted');
  });

  it('is given up after its time-out', async () => {
    const target = createTarget({ a: 'waiting', b: 'lacking' });
    target.outcome = 'unproven';
    const { start, clock } = begin(target, [source('peer', { knows: ['b'] })]);
    const run = start.run();
    await pass(clock, 9_960);
    expect(start.isPending).toBe(true);
    await pass(clock, 60);
    await run;
    expect(target.isReleased).toBe(true);
    expect(start.condition()).toEqual({
      name: 'warm-start',
      isMet: true,
      detail: 'given up after 10000 ms: 0 complete, 1 lacking, 1 away; peer: 1 unproven',
    });
  });

  it('names each source that is of no use once, and goes on', async () => {
    const target = createTarget({ a: 'lacking' });
    const away = source('away', { failure: new SidecarError('unavailable', 'refused') });
    const damaged = source('damaged', { failure: new SidecarError('invalid-argument', 'a checksum is wrong') });
    const { start, logger } = begin(target, [away, damaged, source('good', { knows: ['a'] })]);
    await start.run();
    expect(start.condition().detail).toBe(
      '1 complete, 0 lacking, 0 away; away: 1 unreachable; damaged: 1 unusable; good: 1 adopted',
    );
    expect(logger.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields['reason'])).toEqual([
      '[unavailable] refused',
      '[invalid-argument] a checksum is wrong',
    ]);
  });

  it('goes on with the next endpoint where one cannot be loaded', async () => {
    const target = createTarget({ a: 'lacking', b: 'lacking' });
    target.outcome = new SidecarError('invalid-argument', 'not a whole dump');
    const { start } = begin(target, [source('peer', { knows: ['a', 'b'] })]);
    await start.run();
    expect(start.condition().detail).toBe('0 complete, 2 lacking, 0 away; peer: 2 unusable');
  });

  it('ends when the process stops', async () => {
    const target = createTarget({ a: 'waiting' });
    const { start, clock, stopping } = begin(target, [source('peer')]);
    const run = start.run();
    await clock.advance(10);
    stopping.abort();
    await pass(clock, 40);
    await run;
    expect(target.isReleased).toBe(true);
  });
});
