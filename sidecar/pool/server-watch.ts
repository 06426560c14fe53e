import { backoffMs, type Clock, type Metrics, type PoolName, type Random } from '../core/index.ts';
import type { Followed } from './followed.ts';
import type { HttpGet } from './http-get.ts';
import { type Poller, startPoller } from './poller.ts';
import { parseServedModels, sameModels } from './served-models.ts';
import type { EndpointHealth, ServedModel } from './snapshot.ts';

/** Watches one serving address, which all ranks behind it share: whether it takes connections, and what it serves. */
export interface ServerWatch extends Followed {
  health(): EndpointHealth;
  /** Base models first; null until the engine was asked. */
  models(): readonly ServedModel[] | null;
  /** A connection to the address was refused: requests stay away until a probe finds it back. */
  reportFailure(source: FailureSource): void;
  /** An answer came. Does not bring a failing address back: a process that shuts down still answers on old connections. */
  reportSuccess(): void;
  /** Asks for the models at once. */
  refreshModels(): void;
  /** Another process answers from here on: nothing is known of it. */
  forget(): void;
}

/** Who found out that a connection failed. */
type FailureSource = 'request' | 'scrape' | 'models';

/** How an address is watched. */
export interface ServerWatchOptions {
  readonly pool: PoolName;
  readonly address: string;
  readonly get: HttpGet;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly timeoutMs: number;
  /** How often models are asked for. */
  readonly modelsIntervalMs: number;
  /** Wait before the first probe of a failing address, doubled each time up to the cap, of which a random half is cut. */
  readonly probe: { readonly baseMs: number; readonly capMs: number };
  readonly onChange: () => void;
}

/** Interval at which a server is asked for its models as long as it has not told them. */
const FIRST_MODELS_INTERVAL_MS = 1000;

/** Watches an address. A failing one is probed with `GET /health`; any answer below 500 brings it back. */
export const createServerWatch = (options: ServerWatchOptions): ServerWatch => {
  const { address, pool, get, clock, random, metrics, timeoutMs, probe } = options;
  let health: EndpointHealth = 'unknown';
  let models: readonly ServedModel[] | null = null;
  let isStopped = true;
  let attempt = 0;
  let cancelProbe = (): void => {};
  let poller: Poller | null = null;
  const stopping = new AbortController();

  const become = (next: EndpointHealth): void => {
    if (next === health) return;
    health = next;
    options.onChange();
  };

  const scheduleProbe = (): void => {
    if (isStopped) return;
    cancelProbe = clock.schedule(backoffMs({ attempt, ...probe, random }), () => {
      attempt += 1;
      void runProbe();
    });
  };

  const runProbe = async (): Promise<void> => {
    const answer = await get(`http://${address}/health`, { timeoutMs, signal: stopping.signal });
    if (isStopped || health !== 'failing') return;
    const isBack = answer.kind === 'answered' && answer.status < 500;
    metrics.count('endpoint_probes_total', { pool, outcome: isBack ? 'back' : 'failing' });
    if (!isBack) return scheduleProbe();
    become('ready');
    poller?.kick();
  };

  const reportFailure = (source: FailureSource): void => {
    metrics.count('connection_failures_total', { pool, source });
    if (health === 'failing') return;
    attempt = 0;
    become('failing');
    scheduleProbe();
  };

  const pollModels = async (signal: AbortSignal): Promise<void> => {
    if (health === 'failing') return;
    const answer = await get(`http://${address}/v1/models`, { timeoutMs, signal });
    if (signal.aborted) return;
    const told = answer.kind === 'answered' && answer.status === 200 ? parseServedModels(answer.text) : null;
    const outcome = answer.kind === 'answered' ? (told === null ? 'unreadable' : 'ok') : answer.kind;
    metrics.count('model_polls_total', { pool, outcome });
    if (answer.kind === 'unreachable') reportFailure('models');
    if (told === null) return;
    const isNews = !sameModels(models, told);
    if (isNews) models = told;
    if (health === 'unknown') become('ready');
    else if (isNews) options.onChange();
  };

  return {
    health: () => health,
    models: () => models,
    reportFailure,
    reportSuccess: () => {
      if (health === 'unknown') become('ready');
    },
    refreshModels: () => poller?.kick(),
    forget: () => {
      cancelProbe();
      health = 'unknown';
      models = null;
      poller?.kick();
    },
    start: () => {
      isStopped = false;
      if (health === 'failing') scheduleProbe();
      poller = startPoller({
        clock,
        random,
        intervalMs: () => (models === null ? FIRST_MODELS_INTERVAL_MS : options.modelsIntervalMs),
        firstWithinMs: 100,
        run: pollModels,
      });
    },
    stop: () => {
      isStopped = true;
      cancelProbe();
      poller?.stop();
      stopping.abort();
    },
  };
};
