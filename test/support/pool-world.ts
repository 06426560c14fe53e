import {
  type Endpoint,
  type Metrics,
  poolName,
  seededRandom,
  silentLogger,
  silentMetrics,
} from '../../sidecar/core/index.ts';
import { createPool, type EndpointLoad, type PoolMember, type RestartNotice } from '../../sidecar/pool/index.ts';
import { endpoint } from './candidates.ts';
import { createFakeClock } from './fake-clock.ts';
import { createFakeHttp, ok, refused } from './fake-http.ts';

/** An endpoint that is scraped. */
export const served = (name: string, changes: Partial<Endpoint> = {}): Endpoint =>
  endpoint(name, { metricsUrl: `http://${name}:8000/metrics`, ...changes });

/** A served endpoint as discovery reports it. */
export const member = (name: string, changes: Partial<Endpoint> & Partial<PoolMember> = {}): PoolMember => {
  const { isTerminating = false, incarnation = null, ...rest } = changes;
  return { endpoint: served(name, rest), isTerminating, incarnation };
};

/** What an engine's metrics say. */
export interface Page {
  readonly running?: number;
  readonly startedAt?: number;
  readonly awake?: 0 | 1;
}

/** An engine's metrics. */
export const page = ({ running = 0, startedAt = 100, awake = 1 }: Page = {}) =>
  ok(
    [
      `vllm:num_requests_running{engine="0"} ${running}`,
      'vllm:num_requests_waiting{engine="0"} 0',
      `vllm:engine_sleep_state{engine="0",sleep_state="awake"} ${awake}`,
      `process_start_time_seconds ${startedAt}`,
    ].join('\n'),
  );

/** An answer of `/v1/models`. */
export const models = (...ids: readonly string[]) => ok(JSON.stringify({ data: ids.map((id) => ({ id })) }));

/** Engines by name, each answering its metrics and models. */
export const createWorld = (options: { readonly metrics?: Metrics } = {}) => {
  const clock = createFakeClock();
  const http = createFakeHttp();
  const stopping = new AbortController();
  const pool = createPool({
    name: poolName('pool'),
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    metrics: options.metrics ?? silentMetrics,
    get: http.get,
  });
  const versions: number[] = [];
  const loads: [endpoint: string, running: number | null][] = [];
  const restarts: RestartNotice[] = [];
  const asleep: string[] = [];
  pool.onChange(({ version }) => versions.push(version));
  pool.onLoad((id, load: EndpointLoad | null) => loads.push([id, load?.running ?? null]));
  pool.onRestart((notice) => restarts.push(notice));
  pool.onAsleep((id) => asleep.push(id));
  return {
    clock,
    http,
    pool,
    versions,
    loads,
    restarts,
    asleep,
    setUp: (name: string, content: Page = {}) => {
      http.set(`http://${name}:8000/metrics`, page(content));
      http.set(`http://${name}:8000/v1/models`, models('m'));
      http.set(`http://${name}:8000/health`, ok(''));
    },
    setDown: (name: string) => {
      for (const path of ['metrics', 'v1/models', 'health']) http.set(`http://${name}:8000/${path}`, refused);
    },
    start: () => pool.start(stopping.signal),
    stop: () => stopping.abort(),
    state: (name: string) => pool.snapshot().endpoints.find((entry) => entry.endpoint.id === `pool/${name}`),
  };
};
