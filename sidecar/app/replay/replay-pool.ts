import {
  type Clock,
  type Endpoint,
  endpointId,
  poolName,
  type Random,
  SidecarError,
  silentMetrics,
} from '../../core/index.ts';
import { createPrefixIndex, createRoutingHistory, type Holder } from '../../kvindex/index.ts';
import {
  createInferredLedger,
  createLedger,
  createWorkTally,
  type EndpointLoad,
  type PoolSnapshot,
} from '../../pool/index.ts';
import type { EncodedPrompt, ParsedRequest } from '../../prompt/index.ts';
import {
  createDecisionLog,
  createDirector,
  createInFlight,
  type RoutedDecision,
  type RoutedPool,
} from '../../routing/index.ts';
import { type Profile, parseProfile } from '../../scheduling/index.ts';
import { createTimedEngine, type StepTimes, type TimedEngine } from '../../simulator/index.ts';
import { applyKvEvents, toKvEvents } from './engine-events.ts';

/** Engines and sidecar of a replay. */
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

/** Where a replayed request went. */
export interface ReplayedDecision {
  readonly decision: RoutedDecision;
  readonly engine: TimedEngine;
  /** Number of the endpoint, from 0. */
  readonly endpoint: number;
}

/** One pool of timed engines behind the product's own director, index and ledgers. */
export interface ReplayPool {
  /** Decides on a prompt and books the decision. */
  route(promptTokenIds: Int32Array): ReplayedDecision;
  fits(tokens: number): boolean;
}

interface Member {
  readonly endpoint: Endpoint;
  readonly holder: Holder;
  readonly engine: TimedEngine;
}

const pool = poolName('replay');

const endpointNumbered = (number: number): Endpoint => ({
  id: endpointId(`${pool}/${number}`),
  name: String(number),
  pool,
  address: `${number}:0`,
  rank: 0,
  hasRanks: false,
  role: 'both',
  engine: 'vllm',
  eventsAddress: null,
  replayAddress: null,
  metricsUrl: null,
});

const request: ParsedRequest = {
  api: 'completions',
  model: null,
  isStreaming: true,
  sessionId: null,
  readsCache: true,
  unreadable: null,
  bodyBytes: 1,
};
const body = new Uint8Array(1);

/** Creates the pool; `clock` drives its engines, events and scrapes. */
export const createReplayPool = (
  profile: Profile,
  { clock, random, world }: { readonly clock: Clock; readonly random: Random; readonly world: ReplayWorld },
): ReplayPool => {
  const { blockSize, cacheTokens } = world;
  const index = createPrefixIndex({ random });
  const history = createRoutingHistory({ maxBlocksPerHolder: Math.ceil(cacheTokens / blockSize) });
  const common = { clock, pool, metrics: silentMetrics, tally: createWorkTally() };
  const ledger = createLedger(common);
  const inferredLedger = createInferredLedger({ ...common, seesEvents: () => true });
  const inFlight = createInFlight({ index, ledger, inferredLedger, clock });

  const members = Array.from({ length: world.endpoints }, (_, number): Member => {
    const endpoint = endpointNumbered(number);
    const holder = index.addHolder(endpoint.id);
    const engine = createTimedEngine({
      ...world,
      clock,
      onEvents: (events) =>
        clock.schedule(world.eventDelayMs, () => {
          applyKvEvents(index, holder, toKvEvents(events, blockSize));
          inFlight.markApplied(endpoint.id);
        }),
    });
    return { endpoint, holder, engine };
  });
  const byId = new Map(members.map((member) => [member.endpoint.id, member]));

  const loadOf = ({ engine }: Member): EndpointLoad => ({
    running: engine.runningRequests,
    waiting: engine.waitingRequests,
    kvUsage: engine.usage,
    sentAtMs: clock.now(),
    readAtMs: clock.now(),
    kvCapacityTokens: cacheTokens,
    blockSize,
    prefixCachingEnabled: true,
    processStartSeconds: null,
    isAsleep: false,
    prefixCacheQueries: null,
    prefixCacheHits: null,
    firstTokens: null,
    finishedRequests: null,
  });
  let version = 0;
  const look = (): PoolSnapshot => ({
    pool,
    version: version++,
    endpoints: members.map((member) => ({
      endpoint: member.endpoint,
      health: 'ready',
      isTerminating: false,
      load: loadOf(member),
      models: null,
    })),
  });
  let snapshot = look();
  const scrape = (): void => {
    snapshot = look();
    clock.schedule(world.scrapeIntervalMs, scrape);
  };
  clock.schedule(world.scrapeIntervalMs, scrape);

  let prompt: Int32Array = new Int32Array(0);
  const identity = { loraName: null, salt: null, multimodal: [] };
  const encode = (): EncodedPrompt => ({
    kind: 'encoded',
    path: 'exact',
    sequences: [{ tokenIds: prompt, identity, isWhole: true }],
  });
  const routed: RoutedPool = {
    name: pool,
    models: null,
    profile,
    index,
    history,
    inFlight,
    snapshot: () => snapshot,
    encoder: () => ({ path: 'exact', pathReason: null, encode }),
    holderOf: (id) => byId.get(id)?.holder,
    trustOf: () => ({ trust: 'exact', missingShare: 0 }),
    reportConnection: () => {},
    reportComputed: () => {},
    expectClear: () => () => {},
  };
  const session = parseProfile({});
  const director = createDirector({
    directory: { pools: () => [routed] },
    log: createDecisionLog(0),
    clock,
    random,
    metrics: silentMetrics,
    sessionProfile: session.kind === 'profile' ? session.profile : profile,
    reader: {
      read: () => request,
      figures: {
        turns: 0,
        knownTurns: 0,
        bytes: 0,
        knownBytes: 0,
        checkedTurns: 0,
        differingTurns: 0,
        conversations: 0,
        memoryBytes: 0,
      },
    },
  });
  return {
    route: (promptTokenIds) => {
      prompt = promptTokenIds;
      const decision = director.route({
        method: 'POST',
        path: '/v1/completions',
        header: () => undefined,
        body,
        isBodyComplete: true,
        subset: null,
        excluded: null,
        observesResponse: true,
      });
      const member = 'kind' in decision && decision.kind === 'routed' ? byId.get(decision.endpoint.id) : undefined;
      if (member === undefined || !('endpoint' in decision))
        throw new SidecarError('internal', 'a replayed request was not routed');
      return { decision, engine: member.engine, endpoint: members.indexOf(member) };
    },
    fits: (tokens) => members.every(({ engine }) => engine.fits(tokens)),
  };
};
