import { type Endpoint, endpointId, poolName, SidecarError } from '../core/index.ts';
import type { Finding } from './finding.ts';
import type { DiscoveredEndpoint, DiscoveredPool, Discovery } from './port.ts';
import type { StaticEndpointOptions, StaticPoolOptions } from './static-options.ts';

/** Pools out of a list that somebody wrote. */
export interface StaticDiscovery extends Discovery {
  /** Takes over another list; told at once where discovery is running and something changed. */
  replace(pools: readonly StaticPoolOptions[]): void;
}

/** Port at which engines publish events unless told otherwise (vLLM's default). */
const EVENTS_PORT = 5557;

const refuse = (message: string): never => {
  throw new SidecarError('invalid-argument', message);
};

const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':'));

/**
 * A rank's own ZeroMQ address: the rank is added to a TCP port, as engines do it. Throws `invalid-argument` for one that
 * is not `tcp://host:port` where there are several ranks, and for ports beyond 65535.
 */
const addressOfRank = (address: string, options: { readonly host: string; readonly rank: number }): string => {
  const tcp = /^tcp:\/\/(?<host>\*|0\.0\.0\.0|\[::\]|[^/\s]+):(?<port>\d{1,5})$/.exec(address)?.groups;
  if (tcp === undefined) return options.rank === 0 ? address : refuse(`${address} has no port to add a rank to`);
  const { host = '', port = '' } = tcp;
  const isWildcard = host === '*' || host === '0.0.0.0' || host === '[::]';
  const rankPort = Number(port) + options.rank;
  if (rankPort > 65_535) refuse(`${address}: the port of rank ${options.rank} is beyond 65535`);
  return `tcp://${isWildcard ? options.host : host}:${rankPort}`;
};

/** Where a serving address's events are, null for none. */
const eventsOf = (pool: StaticPoolOptions, { events, address }: StaticEndpointOptions): string | null => {
  if (events !== undefined) return events;
  return pool.events?.bind === undefined ? `tcp://${hostOf(address)}:${EVENTS_PORT}` : null;
};

/** The endpoints of one serving address, one a rank. Throws `invalid-argument` for addresses nothing can be made of. */
const endpointsOf = (pool: StaticPoolOptions, options: StaticEndpointOptions): readonly DiscoveredEndpoint[] => {
  const { address, dataParallelSize = 1 } = options;
  const name = options.name ?? address;
  if (!/^(\[[0-9a-fA-F:.]+\]|[^:\s/[\]]+):\d{1,5}$/.test(address)) refuse(`${address} is not host:port`);
  if (!Number.isInteger(dataParallelSize) || dataParallelSize < 1) refuse('the data-parallel size must be at least 1');
  const hasRanks = dataParallelSize > 1;
  const events = eventsOf(pool, options);
  const replay = options.replay ?? null;
  return Array.from({ length: dataParallelSize }, (_, rank): DiscoveredEndpoint => {
    const ranked = hasRanks ? `${name}#${rank}` : name;
    const place = { host: hostOf(address), rank };
    const endpoint: Endpoint = {
      id: endpointId(`${pool.name}/${ranked}`),
      name: ranked,
      pool: poolName(pool.name),
      address,
      rank,
      hasRanks,
      role: options.role ?? 'both',
      engine: pool.engine ?? 'vllm',
      eventsAddress: events === null ? null : addressOfRank(events, place),
      replayAddress: replay === null ? null : addressOfRank(replay, place),
      metricsUrl: options.metrics === undefined ? `http://${address}/metrics` : options.metrics,
    };
    return { endpoint: Object.freeze(endpoint), isTerminating: false, incarnation: null };
  });
};

/** One pool; an entry that nothing can be made of, or whose name is taken, is left out and becomes a mistake. */
const buildPool = (options: StaticPoolOptions): DiscoveredPool => {
  const endpoints: DiscoveredEndpoint[] = [];
  const mistakes: string[] = [];
  const taken = new Set<string>();
  for (const entry of options.discovery.static) {
    const name = entry.name ?? entry.address;
    try {
      if (taken.has(name)) refuse('the name is taken');
      endpoints.push(...endpointsOf(options, entry));
      taken.add(name);
    } catch (failure) {
      mistakes.push(`${name}: ${SidecarError.from(failure, 'invalid-argument').message}`);
    }
  }
  return {
    definition: {
      name: poolName(options.name),
      models: options.models ?? null,
      engine: options.engine ?? 'vllm',
      tokenizer: options.tokenizer ?? null,
      eventsBind: options.events?.bind ?? null,
    },
    endpoints,
    mistakes,
  };
};

const findingsOf = ({ definition, mistakes }: DiscoveredPool): readonly Finding[] =>
  mistakes.map((problem) => ({
    code: 'mistaken-configuration',
    subject: `pool ${definition.name}`,
    problem,
    mend: 'correct it in the configuration, discovery.static of this pool',
  }));

/** Creates the discovery of configured pools. The first look is complete at once; nothing can be unhealthy. */
export const createStaticDiscovery = (pools: readonly StaticPoolOptions[]): StaticDiscovery => {
  let current = pools.map(buildPool);
  let tell: ((pools: readonly DiscoveredPool[]) => void) | null = null;
  return {
    start: async (signal, onChange) => {
      signal.throwIfAborted();
      tell = onChange;
      signal.addEventListener('abort', () => {
        tell = null;
      });
      onChange(current);
    },
    condition: () => ({ isHealthy: true, detail: `${current.length} pools by configuration` }),
    findings: () => current.flatMap(findingsOf),
    replace: (next) => {
      const before = JSON.stringify(current);
      current = next.map(buildPool);
      if (JSON.stringify(current) !== before) tell?.(current);
    },
  };
};
