import {
  endpointId,
  type PoolName,
  poolName,
  seededRandom,
  silentMetrics,
  type Trust,
} from '../../sidecar/core/index.ts';
import { createPrefixIndex, createRoutingHistory, type Holder } from '../../sidecar/kvindex/index.ts';
import { createInferredLedger, createLedger, createWorkTally, type EndpointState } from '../../sidecar/pool/index.ts';
import type { PromptEncoder } from '../../sidecar/prompt/index.ts';
import {
  createDecisionLog,
  createDirector,
  createInFlight,
  type DecisionLog,
  type Director,
  type RoutedPool,
  type RouteRequest,
} from '../../sidecar/routing/index.ts';
import { type Profile, parseProfile } from '../../sidecar/scheduling/index.ts';
import { endpoint, load } from './candidates.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

/** Tokens a block in this world. */
export const BLOCK = 4;

/** A profile from a `scheduling` block. */
export const profile = (scheduling: unknown = {}): Profile => {
  const parsed = parseProfile(scheduling, { name: 'test' });
  if (parsed.kind !== 'profile') throw new Error(JSON.stringify(parsed.mistakes));
  return parsed.profile;
};

/** One pool of named endpoints with a real index and ledgers, a fake clock, and a director over it. */
export interface RoutingWorld {
  readonly clock: FakeClock;
  readonly director: Director;
  readonly log: DecisionLog;
  readonly pool: RoutedPool;
  readonly refused: string[];
  /** Makes an endpoint's engine hold the prompt's full blocks. */
  store(name: string, tokens: readonly number[], medium?: string): void;
  /** Empties an endpoint's cache as an event would. */
  clear(name: string): void;
  setTrust(name: string, trust: Trust, missingShare?: number): void;
  change(name: string, changes: Partial<EndpointState>): void;
}

/** Tokens of a test prompt: `count` numbers from `first` on. */
export const tokens = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first + index);

/** A completion request with token ids as its prompt. */
export const completion = (prompt: readonly number[], changes: Partial<RouteRequest> = {}): RouteRequest => {
  const body = Buffer.from(JSON.stringify({ model: 'tiny', prompt }));
  return {
    method: 'POST',
    path: '/v1/completions',
    header: () => undefined,
    body,
    isBodyComplete: true,
    wholeBodyBytes: body.length,
    subset: null,
    excluded: null,
    observesResponse: true,
    ...changes,
  };
};

/** Creates a world whose endpoints are ready, idle, cold and exact. */
export const createRoutingWorld = (options: {
  readonly endpoints: readonly string[];
  readonly encoder: PromptEncoder | null;
  readonly models?: NonNullable<EndpointState['models']>;
  readonly scheduling?: unknown;
  readonly configuredModels?: readonly string[] | null;
  readonly mediumWeight?: NonNullable<RoutedPool['mediumWeight']>;
}): RoutingWorld => {
  const clock = createFakeClock();
  const name: PoolName = poolName('pool');
  const index = createPrefixIndex({ maxBlocks: 10_000 });
  const history = createRoutingHistory({ maxBlocksPerHolder: 1000 });
  const tally = createWorkTally();
  const ledger = createLedger({ clock, pool: name, metrics: silentMetrics, tally });
  const inferredLedger = createInferredLedger({
    clock,
    pool: name,
    metrics: silentMetrics,
    tally,
    seesEvents: () => true,
  });
  const inFlight = createInFlight({ index, ledger, inferredLedger, clock });
  const holders = new Map<string, Holder>();
  const trusts = new Map<string, { trust: Trust; missingShare: number }>();
  const states = new Map<string, EndpointState>();
  const refused: string[] = [];
  for (const each of options.endpoints) {
    const one = endpoint(each);
    holders.set(one.id, index.addHolder(one.id));
    states.set(each, {
      endpoint: one,
      health: 'ready',
      isTerminating: false,
      load: load({ blockSize: BLOCK }),
      models: options.models ?? [{ id: 'tiny', parent: null, maxModelLength: null }],
    });
  }
  let nextEngineKey = 1;
  const idOf = (each: string) => endpointId(`pool/${each}`);
  const holderOf = (each: string): Holder => {
    const holder = holders.get(idOf(each));
    if (holder === undefined) throw new Error(`no endpoint ${each}`);
    return holder;
  };
  const pool: RoutedPool = {
    name,
    models: options.configuredModels ?? null,
    profile: profile(options.scheduling),
    ...(options.mediumWeight === undefined ? {} : { mediumWeight: options.mediumWeight }),
    index,
    history,
    inFlight,
    snapshot: () => ({ pool: name, version: 0, endpoints: [...states.values()] }),
    encoder: () => options.encoder,
    holderOf: (id) => holders.get(id),
    trustOf: (id) => trusts.get(id) ?? { trust: 'exact', missingShare: 0 },
    reportConnection: (id, outcome) => refused.push(`${id} ${outcome}`),
    reportComputed: () => {},
    expectClear: () => () => {},
  };
  const log = createDecisionLog(100);
  const director = createDirector({
    directory: { pools: () => [pool] },
    log,
    clock,
    random: seededRandom(5),
    metrics: silentMetrics,
    sessionProfile: profile({ scorers: [{ type: 'session-affinity-scorer' }] }),
  });
  return {
    clock,
    director,
    log,
    pool,
    refused,
    store: (each, ids, medium = 'GPU') => {
      const blocks = Math.floor(ids.length / BLOCK);
      const engineKeys = new Int32Array(2 * blocks);
      for (let block = 0; block < blocks; block += 1) engineKeys.set([nextEngineKey++, 7], 2 * block);
      const outcome = index.store(holderOf(each), {
        kind: 'block-stored',
        engineKeys,
        parent: null,
        tokenIds: Int32Array.from(ids.slice(0, blocks * BLOCK)),
        blockSize: BLOCK,
        loraName: null,
        extras: null,
        medium,
        group: 0,
        attentionKind: null,
      });
      if (outcome.kind !== 'stored') throw new Error(outcome.kind);
      inFlight.markApplied(idOf(each));
    },
    clear: (each) => {
      index.clear(holderOf(each));
      inFlight.forgetPromises(idOf(each));
    },
    setTrust: (each, trust, missingShare = trust === 'exact' ? 0 : 1) => {
      trusts.set(idOf(each), { trust, missingShare });
    },
    change: (each, changes) => {
      const state = states.get(each);
      if (state === undefined) throw new Error(`no endpoint ${each}`);
      states.set(each, { ...state, ...changes });
    },
  };
};
