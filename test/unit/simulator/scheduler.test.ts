import { describe, expect, it } from '@jest/globals';
import { createBlockHasher } from '../../../sidecar/simulator/block-hash.ts';
import { BlockPool } from '../../../sidecar/simulator/block-pool.ts';
import { EngineRequest, type GenerationRequest } from '../../../sidecar/simulator/engine-request.ts';
import { type ScheduledTokens, Scheduler } from '../../../sidecar/simulator/scheduler.ts';

const blockSize = 4;
const sink = { token: () => {}, aborted: () => {} };

const createBench = (limits: {
  readonly usable: number;
  readonly maxBatchedTokens?: number;
  readonly maxRunning?: number;
}) => {
  const pool = new BlockPool({ blocks: limits.usable + 1, reusesUncachedFirst: true });
  const { maxBatchedTokens = 100, maxRunning = 10 } = limits;
  const scheduler = new Scheduler(pool, { blockSize, maxBatchedTokens, maxRunningRequests: maxRunning });
  const hasher = createBlockHasher(0n);
  /** A request of `promptTokens` tokens that are equal wherever `family` is. */
  const add = (family: number, promptTokens: number, more: Partial<GenerationRequest> = {}) => {
    const source: GenerationRequest = {
      promptTokenIds: Int32Array.from({ length: promptTokens }, (_, index) => family * 1000 + index),
      maxTokens: 50,
      lora: null,
      salt: null,
      sessionId: null,
      readsCache: true,
      reportsHits: false,
      nextToken: () => 0,
      ...more,
    };
    const request = new EngineRequest(source, sink, { hasher, blockSize, nowMs: 0 });
    scheduler.add(request);
    return request;
  };
  /** One step: plans it, then gives every request whose tokens are all computed its next token. */
  const step = (): readonly ScheduledTokens[] => {
    const planned = scheduler.schedule();
    for (const { request } of planned) {
      if (request.computedTokens === request.tokenCount) request.append(request.generatedTokens);
    }
    return planned;
  };
  const tokensOf = (planned: readonly ScheduledTokens[]) => planned.map(({ tokens }) => tokens);
  return { pool, scheduler, add, step, tokensOf };
};

/** Lengths in blocks of the stored events since the last look. */
const storedRuns = (pool: BlockPool) =>
  pool.takeEvents().flatMap((event) => (event.kind === 'stored' ? [event.blocks.length] : []));

describe('a step', () => {
  it('computes a whole prompt, then one token a step', () => {
    const { add, step, tokensOf } = createBench({ usable: 10 });
    add(1, 9);
    expect([tokensOf(step()), tokensOf(step()), tokensOf(step())]).toEqual([[9], [1], [1]]);
  });

  it('cuts prompts into chunks where its tokens run out, running requests first', () => {
    const { add, step, tokensOf } = createBench({ usable: 40, maxBatchedTokens: 10 });
    add(1, 14);
    add(2, 14);
    expect([tokensOf(step()), tokensOf(step()), tokensOf(step()), tokensOf(step())]).toEqual([
      [10],
      [4, 6],
      [1, 8],
      [1, 1],
    ]);
  });

  it('stores the full blocks of each chunk when the chunk is planned', () => {
    const { add, step, pool } = createBench({ usable: 40, maxBatchedTokens: 10 });
    add(1, 14);
    const runs = [1, 2, 3].map(() => {
      step();
      return storedRuns(pool);
    });
    expect(runs).toEqual([[2], [1], []]);
  });

  it('stores a block of generated tokens when the last of them is computed', () => {
    const { add, step, pool } = createBench({ usable: 10 });
    add(1, 6);
    const runs = [1, 2, 3, 4].map(() => {
      step();
      return storedRuns(pool);
    });
    expect(runs).toEqual([[1], [], [1], []]);
  });

  it('admits waiting requests first come first served up to the limit of running ones', () => {
    const { add, step, scheduler } = createBench({ usable: 40, maxRunning: 2 });
    const [first, second, third] = [add(1, 4), add(2, 4), add(3, 4)];
    step();
    expect([scheduler.running, scheduler.waiting]).toEqual([[first, second], [third]]);
    scheduler.remove(first);
    step();
    expect([scheduler.running, scheduler.waiting]).toEqual([[second, third], []]);
  });

  it('keeps a request waiting, and those behind it, while its prompt does not fit', () => {
    const { add, step, scheduler } = createBench({ usable: 4 });
    const [first, large, small] = [add(1, 12), add(2, 8), add(3, 4)];
    step();
    expect([scheduler.running, scheduler.waiting]).toEqual([[first], [large, small]]);
  });
});

describe('a prefix in the cache', () => {
  it.each([
    { promptTokens: 8, cached: 4 },
    { promptTokens: 9, cached: 8 },
    { promptTokens: 11, cached: 8 },
    { promptTokens: 3, cached: 0 },
  ])('leaves at least one of $promptTokens tokens to compute', ({ promptTokens, cached }) => {
    const { add, step, scheduler } = createBench({ usable: 40 });
    const warm = add(1, 20);
    step();
    scheduler.remove(warm);
    const request = add(1, promptTokens);
    const planned = step();
    expect([request.cachedTokens, planned[0]?.tokens]).toEqual([cached, promptTokens - cached]);
  });

  it('is found by a request of the same step', () => {
    const { add, step } = createBench({ usable: 40 });
    const [first, second] = [add(1, 12), add(1, 12)];
    step();
    expect([first.cachedTokens, second.cachedTokens]).toEqual([0, 8]);
  });

  it('is not read by a request that must not, whose blocks are stored again', () => {
    const { add, step, pool } = createBench({ usable: 40 });
    add(1, 8);
    step();
    const request = add(1, 8, { readsCache: false });
    step();
    expect(request.cachedTokens).toBe(0);
    expect(storedRuns(pool)).toEqual([2, 2]);
  });

  it('is reported as stored again, once, where the request asks for a full report', () => {
    const { add, step, pool } = createBench({ usable: 40 });
    add(1, 9);
    step();
    pool.takeEvents();
    add(1, 9, { reportsHits: true });
    step();
    step();
    expect(storedRuns(pool)).toEqual([2]);
  });

  it('holds blocks of other salts and adapters apart', () => {
    const { add, step } = createBench({ usable: 40 });
    const requests = [
      add(1, 9),
      add(1, 9, { salt: 's' }),
      add(1, 9, { lora: { id: 1, name: 'adapter' } }),
      add(1, 9, { salt: 's' }),
    ];
    step();
    expect(requests.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 0, 0, 8]);
  });
});

describe('when blocks run out', () => {
  it('the youngest running request gives its own back and waits in front', () => {
    const { add, step, scheduler } = createBench({ usable: 4 });
    const [older, younger] = [add(1, 8), add(2, 8)];
    step();
    const waitingLater = add(3, 4);
    step();
    expect([scheduler.running, scheduler.waiting]).toEqual([[older], [younger, waitingLater]]);
    expect([scheduler.preemptions, younger.computedTokens, younger.generatedTokens]).toEqual([1, 0, 1]);
  });

  it('a request that comes back finds what is left of its blocks and keeps its reported cached tokens', () => {
    const { add, step, scheduler, tokensOf } = createBench({ usable: 4 });
    const [older, younger] = [add(1, 8), add(2, 8)];
    step();
    step();
    scheduler.remove(older);
    expect(tokensOf(step())).toEqual([5]);
    expect(younger.cachedTokens).toBe(0);
  });

  it('removals come before the stores that take the memory', () => {
    const { add, step, scheduler, pool } = createBench({ usable: 3 });
    const first = add(1, 12);
    step();
    scheduler.remove(first);
    pool.takeEvents();
    add(2, 8);
    step();
    expect(pool.takeEvents().map(({ kind }) => kind)).toEqual(['removed', 'removed', 'stored']);
  });
});
