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
  type BlockStored,
  computeBlockKeys,
  createPrefixIndex,
  createRoutingHistory,
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
  type RoutedDecision,
  type RouteRequest,
} from '../../../sidecar/routing/index.ts';
import { parseProfile } from '../../../sidecar/scheduling/index.ts';
import { BLOCK_SIZE, fill, plain } from '../kvindex/workload.ts';
import { qwen3Folder } from '../prompt/qwen3.ts';

/** A director at work. */
export interface Fleet {
  readonly director: Director;
  readonly metrics: Metrics;
  readonly index: PrefixIndex;
  readonly holders: readonly Holder[];
  /** Stores the prompt of a decision on its pick, as the engine's events would a moment later. */
  settle(decision: RoutedDecision, tokenIds: Int32Array): void;
}

/** An event that stores a whole prompt; engine keys are made from the block keys, as equal ones for equal blocks. */
const storedPrompt = (tokenIds: Int32Array): BlockStored => {
  const keys = computeBlockKeys(tokenIds, { blockSize: BLOCK_SIZE, identity: plain });
  const engineKeys = new Int32Array(keys.count * 2);
  for (let block = 0; block < keys.count; block += 1) {
    engineKeys[block * 2] = keys.hi[block] ?? 0;
    engineKeys[block * 2 + 1] = keys.lo[block] ?? 0;
  }
  return {
    kind: 'block-stored',
    engineKeys,
    parent: null,
    tokenIds: tokenIds.subarray(0, keys.count * BLOCK_SIZE),
    blockSize: BLOCK_SIZE,
    loraName: null,
    extras: null,
    medium: 'GPU',
    group: 0,
    attentionKind: 'full_attention',
  };
};

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
  const settle = ({ endpoint }: RoutedDecision, tokenIds: Int32Array): void => {
    const holder = holderById.get(endpoint.id);
    if (holder === undefined) throw new Error('a decision for no endpoint');
    index.store(holder, storedPrompt(tokenIds));
    inFlight.markApplied(endpoint.id);
  };
  return { director, metrics, index, holders, settle };
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
