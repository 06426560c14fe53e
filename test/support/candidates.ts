import { type Endpoint, endpointId, poolName, type Random, seededRandom } from '../../sidecar/core/index.ts';
import type { EndpointLoad } from '../../sidecar/pool/index.ts';
import type { Candidate, Profile, SchedulingRequest } from '../../sidecar/scheduling/index.ts';
import { parseProfile } from '../../sidecar/scheduling/index.ts';

/** An endpoint of the pool `pool` at a made-up address. */
export const endpoint = (name: string, changes: Partial<Endpoint> = {}): Endpoint => ({
  id: endpointId(`pool/${name}`),
  name,
  pool: poolName('pool'),
  address: `${name}:8000`,
  rank: 0,
  hasRanks: false,
  role: 'both',
  engine: 'vllm',
  eventsAddress: null,
  replayAddress: null,
  metricsUrl: null,
  ...changes,
});

/** A fresh scrape of an idle engine. */
export const load = (changes: Partial<EndpointLoad> = {}): EndpointLoad => ({
  running: 0,
  waiting: 0,
  kvUsage: 0,
  sentAtMs: 0,
  readAtMs: 0,
  kvCapacityTokens: null,
  blockSize: null,
  prefixCachingEnabled: null,
  processStartSeconds: null,
  isAsleep: false,
  prefixCacheQueries: null,
  prefixCacheHits: null,
  firstTokens: null,
  finishedRequests: null,
  ...changes,
});

/** A candidate, idle and cold but for what is given. */
export const candidate = (
  name: string,
  figures: {
    readonly cached?: number;
    readonly precise?: number;
    readonly weighted?: Candidate['weighted'];
    readonly approximate?: number;
    readonly requests?: number;
    readonly promptTokens?: number;
    readonly uncached?: number;
    readonly awaiting?: number;
    readonly onPrefix?: number;
    readonly load?: Partial<EndpointLoad>;
    readonly role?: Endpoint['role'];
  } = {},
): Candidate => ({
  endpoint: endpoint(name, figures.role === undefined ? {} : { role: figures.role }),
  load: figures.load === undefined ? null : load(figures.load),
  work: {
    requests: figures.requests ?? 0,
    promptTokens: figures.promptTokens ?? 0,
    uncachedTokens: figures.uncached ?? 0,
    awaitingFirstToken: figures.awaiting ?? 0,
  },
  trust: 'exact',
  cachedTokens: figures.cached ?? 0,
  preciseCachedTokens: figures.precise ?? 0,
  approximateCachedTokens: figures.approximate ?? 0,
  ...(figures.weighted === undefined ? {} : { weighted: figures.weighted }),
  ...(figures.onPrefix === undefined ? {} : { requestsOnPrefix: figures.onPrefix }),
});

/** A request of 1000 prompt tokens without a session. */
export const schedulingRequest = (
  changes: { readonly promptTokens?: number; readonly sessionId?: string; readonly random?: Random } = {},
): SchedulingRequest => ({
  promptTokens: changes.promptTokens ?? 1000,
  sessionId: changes.sessionId ?? null,
  random: changes.random ?? seededRandom(1),
});

/** The profile of a `scheduling` block; throws where the block has mistakes. */
export const profileOf = (block: unknown): Profile => {
  const parsed = parseProfile(block);
  if (parsed.kind === 'mistakes') throw new Error(JSON.stringify(parsed.mistakes));
  return parsed.profile;
};
