import { type Clock, type Endpoint, type EndpointId, endpointId, poolName } from '../../core/index.ts';
import type { Holder, PrefixIndex } from '../../kvindex/index.ts';
import type { EndpointLoad, PoolSnapshot } from '../../pool/index.ts';
import { createTimedEngine, type StepTimes, type TimedEngine } from '../../simulator/index.ts';
import { applyKvEvents, toKvEvents } from './engine-events.ts';

/** Engines of a replay, and how late the sidecar knows of them. */
export interface ReplayWorld {
  readonly endpoints: number;
  /** Tokens a block. */
  readonly blockSize: number;
  readonly cacheTokens: number;
  readonly maxBatchedTokens: number;
  readonly maxRunningRequests: number;
  readonly stepTimes: Partial<StepTimes>;
  /** Between the end of an engine's step and the sidecar's knowing of its events. */
  readonly eventDelayMs: number;
  /** Between two reads of an engine's metrics. */
  readonly scrapeIntervalMs: number;
}

/** One engine as routing knows it. */
export interface FleetMember {
  /** From 0. */
  readonly number: number;
  readonly endpoint: Endpoint;
  readonly holder: Holder;
  readonly engine: TimedEngine;
}

/** Engines whose events reach an index and whose loads are scraped. */
export interface ReplayFleet {
  readonly members: readonly FleetMember[];
  member(endpoint: EndpointId): FleetMember | undefined;
  /** The endpoints with the loads of the last scrape. */
  snapshot(): PoolSnapshot;
}

/** The one pool of a replay. */
export const replayPoolName = poolName('replay');

const endpointNumbered = (number: number): Endpoint => ({
  id: endpointId(`${replayPoolName}/${number}`),
  name: String(number),
  pool: replayPoolName,
  address: `${number}:0`,
  rank: 0,
  hasRanks: false,
  role: 'both',
  engine: 'vllm',
  eventsAddress: null,
  replayAddress: null,
  metricsUrl: null,
});

const loadOf = (engine: TimedEngine, world: ReplayWorld, nowMs: number): EndpointLoad => ({
  running: engine.runningRequests,
  waiting: engine.waitingRequests,
  kvUsage: engine.usage,
  sentAtMs: nowMs,
  readAtMs: nowMs,
  kvCapacityTokens: world.cacheTokens,
  blockSize: world.blockSize,
  prefixCachingEnabled: true,
  processStartSeconds: null,
  isAsleep: false,
  prefixCacheQueries: null,
  prefixCacheHits: null,
  firstTokens: null,
  finishedRequests: null,
});

/** Creates the engines, cold; `onApplied` is told each time that events of an endpoint were applied to `index`. */
export const createReplayFleet = (options: {
  readonly clock: Clock;
  readonly world: ReplayWorld;
  readonly index: PrefixIndex;
  readonly onApplied: (endpoint: EndpointId) => void;
}): ReplayFleet => {
  const { clock, world, index, onApplied } = options;
  const members = Array.from({ length: world.endpoints }, (_, number): FleetMember => {
    const endpoint = endpointNumbered(number);
    const holder = index.addHolder(endpoint.id);
    const engine = createTimedEngine({
      ...world,
      clock,
      onEvents: (events) =>
        clock.schedule(world.eventDelayMs, () => {
          applyKvEvents(index, holder, toKvEvents(events, world.blockSize));
          onApplied(endpoint.id);
        }),
    });
    return { number, endpoint, holder, engine };
  });
  const byId = new Map(members.map((member) => [member.endpoint.id, member]));
  let version = 0;
  const look = (): PoolSnapshot => ({
    pool: replayPoolName,
    version: version++,
    endpoints: members.map(({ endpoint, engine }) => ({
      endpoint,
      health: 'ready',
      isTerminating: false,
      load: loadOf(engine, world, clock.now()),
      models: null,
    })),
  });
  let snapshot = look();
  const scrape = (): void => {
    snapshot = look();
    clock.schedule(world.scrapeIntervalMs, scrape);
  };
  clock.schedule(world.scrapeIntervalMs, scrape);
  return { members, member: (endpoint) => byId.get(endpoint), snapshot: () => snapshot };
};
