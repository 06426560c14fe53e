/** A pool of many endpoints with a filled index behind a director, and engines' events as requests would cause them. */

import {
  type Endpoint,
  type EndpointId,
  endpointId,
  type Metrics,
  poolName,
  seededRandom,
  systemClock,
} from '../../../sidecar/core/index.ts';
import {
  createPrefixIndex,
  createRoutingHistory,
  type EngineKey,
  type Holder,
  type PrefixIndex,
} from '../../../sidecar/kvindex/index.ts';
import { catalogue, createMetricsRegistry } from '../../../sidecar/metrics/index.ts';
import {
  createInferredLedger,
  createLedger,
  createWorkTally,
  type EndpointState,
  type PoolSnapshot,
} from '../../../sidecar/pool/index.ts';
import { createPromptEncoder } from '../../../sidecar/prompt/index.ts';
import {
  createDecisionLog,
  createDirector,
  createInFlight,
  type Director,
  type RouteRequest,
} from '../../../sidecar/routing/index.ts';
import { parseProfile } from '../../../sidecar/scheduling/index.ts';
import { load } from '../../support/candidates.ts';
import { BLOCK_SIZE, fill } from '../kvindex/workload.ts';
import { qwen3Folder } from '../prompt/qwen3.ts';

/** A director at work. */
export interface Fleet {
  readonly director: Director;
  readonly metrics: Metrics;
  readonly index: PrefixIndex;
  readonly holders: readonly Holder[];
  /** Stores blocks on the endpoint with an address, as its events would. */
  store(stored: {
    readonly destination: string;
    readonly engineKeys: Int32Array;
    readonly parent: EngineKey | null;
    readonly tokenIds: Int32Array;
  }): void;
  /** Tells every endpoint's load, as a scrape would where requests end about when the next scrape is due. */
  scrape(): void;
}

const blockStored = {
  kind: 'block-stored',
  blockSize: BLOCK_SIZE,
  loraName: null,
  extras: null,
  medium: 'GPU',
  group: 0,
  attentionKind: 'full_attention',
} as const;

const profileOf = (type: string) => {
  const parsed = parseProfile({ scorers: [{ type }] }, { name: type });
  if (parsed.kind !== 'profile') throw new Error('the profile has mistakes');
  return parsed.profile;
};

const endpointState = (id: EndpointId, number: number): EndpointState => {
  const endpoint: Endpoint = {
    id,
    name: String(number),
    pool: poolName('pool'),
    address: `10.0.${number >> 8}.${number & 255}:8000`,
    rank: 0,
    hasRanks: false,
    role: 'both',
    engine: 'vllm',
    eventsAddress: null,
    replayAddress: null,
    metricsUrl: null,
  };
  const models = [{ id: 'm', parent: null, maxModelLength: null }];
  return { endpoint, health: 'ready', isTerminating: false, load: null, models };
};

/** Builds a pool of `endpoints` that hold `blocks` distinct blocks, with Qwen3's tokenizer. */
export const createFleet = async (options: { readonly endpoints: number; readonly blocks: number }): Promise<Fleet> => {
  const name = poolName('pool');
  const metrics = createMetricsRegistry({
    catalogue,
    onMistake: (mistake) => {
      throw new Error(mistake);
    },
  });
  const clock = systemClock;
  const index = createPrefixIndex({ maxBlocks: options.blocks * 4 });
  const { holders } = fill(index, options);
  const history = createRoutingHistory({});
  const tally = createWorkTally();
  const ledger = createLedger({ clock, pool: name, metrics, tally });
  const inferredLedger = createInferredLedger({ clock, pool: name, metrics, tally, seesEvents: () => true });
  const inFlight = createInFlight({ index, ledger, inferredLedger, clock });
  const encoder = await createPromptEncoder({ folder: qwen3Folder });
  const states = holders.map((_, number) => endpointState(endpointId(`pool/${number}`), number));
  const snapshot: PoolSnapshot = { pool: name, version: 1, endpoints: states };
  const holderById = new Map(states.map(({ endpoint }, number) => [endpoint.id, holders[number]]));
  const pool = {
    name,
    models: null,
    profile: profileOf('token-cost-scorer'),
    index,
    history,
    inFlight,
    snapshot: () => snapshot,
    encoder: () => encoder,
    holderOf: (id: EndpointId) => holderById.get(id),
    trustOf: () => ({ trust: 'exact' as const, missingShare: 0 }),
    reportConnection: () => {},
    expectClear: () => () => {},
    reportComputed: () => {},
  };
  const director = createDirector({
    directory: { pools: () => [pool] },
    log: createDecisionLog(1000),
    clock,
    random: seededRandom(1),
    metrics,
    sessionProfile: profileOf('session-affinity-scorer'),
  });
  const byAddress = new Map(
    states.map(({ endpoint }, number) => [endpoint.address, { endpoint, holder: holders[number] }]),
  );
  /** Requests of which blocks were stored since the last scrape. */
  const running = new Map<EndpointId, number>();
  const store: Fleet['store'] = ({ destination, ...event }) => {
    const { endpoint, holder } = byAddress.get(destination) ?? {};
    if (endpoint === undefined || holder === undefined) throw new Error(`no endpoint ${destination}`);
    index.store(holder, { ...event, ...blockStored });
    inFlight.markApplied(endpoint.id);
    running.set(endpoint.id, (running.get(endpoint.id) ?? 0) + 1);
  };
  const scrape = (): void => {
    const nowMs = clock.now();
    for (const { endpoint } of states) {
      const scraped = load({ running: running.get(endpoint.id) ?? 0, sentAtMs: nowMs, readAtMs: nowMs });
      inferredLedger.observeLoad(endpoint.id, scraped);
    }
    running.clear();
  };
  return { director, metrics, index, holders, store, scrape };
};

/** The request that an edge that sees responses makes of a chat's body. */
export const chatRequest = (body: Uint8Array): RouteRequest => ({
  method: 'POST',
  path: '/v1/chat/completions',
  header: () => undefined,
  body,
  isBodyComplete: true,
  subset: null,
  excluded: null,
  observesResponse: true,
});
