import { endpointId } from '../../core/index.ts';
import type { DumpSource } from '../../events/index.ts';
import type { PoolRuntime } from '../pool-runtime.ts';
import type { WarmTarget, Warmth } from './warm-start.ts';

/** How long a stream waits for its engine's first figures, which tell when the engine's process started. */
const FIRST_FIGURES_MS = 2000;

const members = ({ pool }: PoolRuntime) => pool.snapshot().endpoints.filter(({ isTerminating }) => !isTerminating);

type Member = ReturnType<typeof members>[number];

const warmthOf = ({ streams }: PoolRuntime, { endpoint, load }: Member): Warmth => {
  const status = streams.status(endpoint.id);
  if (status === null || status.state === 'closed' || status.state === 'stale') return 'away';
  if (status.trust === 'exact') return 'complete';
  if (status.state !== 'live' || !streams.firstReplayDone(endpoint.id)) return 'waiting';
  const areFiguresDue = load === null && endpoint.metricsUrl !== null && status.stateAgeMs < FIRST_FIGURES_MS;
  return areFiguresDue ? 'waiting' : 'lacking';
};

/** What a warm start fills: the endpoints of the pools at work. */
export const createWarmTarget = (runtimes: () => readonly PoolRuntime[]): WarmTarget => ({
  warmth: () =>
    new Map(
      runtimes().flatMap((runtime) =>
        members(runtime).map((member) => [member.endpoint.id, warmthOf(runtime, member)] as const),
      ),
    ),
  pending: () => runtimes().reduce((count, runtime) => count + runtime.pendingEndpoints(), 0),
  adopt: async ({ id, address, rank, engine, startedAtSeconds, position, content }) => {
    for (const runtime of runtimes()) {
      const member = members(runtime).find(({ endpoint }) => endpoint.id === id);
      const holder = runtime.routed.holderOf(endpointId(id));
      if (member === undefined || holder === undefined) continue;
      const { endpoint, load } = member;
      if (endpoint.address !== address || endpoint.rank !== rank || endpoint.engine !== engine) break;
      const outcome = await runtime.streams.adopt(endpoint.id, {
        position,
        startedAtSeconds: load?.processStartSeconds ?? null,
        toldStartSeconds: startedAtSeconds,
        load: () => runtime.index.loadHolder(holder, content),
      });
      if (outcome === 'adopted') runtime.routed.inFlight.markApplied(endpoint.id);
      return outcome;
    }
    return 'unknown-endpoint';
  },
  release: () => {
    for (const { streams } of runtimes()) streams.release();
  },
});

/** The endpoints that are worth a dump; not those whose predictions miss, for what is known of them is in doubt. */
export const dumpSourcesOf = (runtimes: readonly PoolRuntime[]): readonly DumpSource[] =>
  runtimes.flatMap(({ pool, index, routed, streams, trustOf }) =>
    pool.snapshot().endpoints.flatMap(({ endpoint, load }) => {
      const holder = routed.holderOf(endpoint.id);
      const isDoubted = (): boolean =>
        streams.trust(endpoint.id).trust === 'exact' && trustOf(endpoint.id).trust !== 'exact';
      const position = () => (isDoubted() ? null : streams.position(endpoint.id));
      return holder === undefined
        ? []
        : [{ endpoint, index, holder, startedAtSeconds: load?.processStartSeconds ?? null, position }];
    }),
  );
