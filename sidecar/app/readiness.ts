import type { Clock } from '../core/index.ts';
import { type Discovery, describeFinding, type Finding } from '../discovery/index.ts';
import type { ReadinessCondition } from '../gateway/index.ts';
import type { PoolRuntime } from './pool-runtime.ts';

/** How long an endpoint's first replay may keep the sidecar from being ready. */
const FIRST_REPLAY_LIMIT_MS = 10_000;

/** Derives readiness from what the rooms say, each condition with its detail. */
export const createReadiness = (options: {
  readonly discoveries: readonly { readonly name: string; readonly discovery: Discovery }[];
  /** What is to be mended in what defines the pools and in reaching them. */
  readonly findings: () => readonly Finding[];
  readonly runtimes: () => readonly PoolRuntime[];
  readonly hasSynced: () => boolean;
  readonly warmStart: () => ReadinessCondition;
  readonly isDraining: () => boolean;
  readonly clock: Clock;
}): (() => readonly ReadinessCondition[]) => {
  const { discoveries, findings, runtimes, hasSynced, warmStart, isDraining, clock } = options;
  const startedMs = clock.now();

  const replays = (): ReadinessCondition => {
    const waiting = runtimes().flatMap(({ pool, streams }) =>
      pool
        .snapshot()
        .endpoints.filter(({ endpoint, isTerminating }) => !isTerminating && !streams.firstReplayDone(endpoint.id))
        .map(({ endpoint }) => endpoint.name),
    );
    const isGivenUp = waiting.length > 0 && clock.now() - startedMs >= FIRST_REPLAY_LIMIT_MS;
    const names = waiting.slice(0, 10).join(', ');
    return {
      name: 'first-replay',
      isMet: waiting.length === 0 || isGivenUp,
      detail: waiting.length === 0 ? 'done' : `${isGivenUp ? 'given up for now' : 'waiting'}: ${names}`,
    };
  };

  const tokenizers = (): ReadinessCondition => {
    const states = runtimes().map(({ routed, encoderState }) => ({ name: routed.name, ...encoderState() }));
    return {
      name: 'tokenizers-settled',
      isMet: states.every(({ isSettled }) => isSettled),
      detail: states.map(({ name, detail }) => `${name}: ${detail}`).join('; '),
    };
  };

  /** Never keeps from being ready: routing goes on with what is known. */
  const informative = (name: string, detail: string): ReadinessCondition => ({ name, isMet: true, detail });

  return () => {
    const pending = runtimes().reduce((count, runtime) => count + runtime.pendingEndpoints(), 0);
    const sources = discoveries.map(({ name, discovery }) => `${name}: ${discovery.condition().detail}`);
    if (pending > 0) sources.push(`${pending} endpoints to be taken over`);
    const mistakes = runtimes().flatMap((runtime) =>
      runtime.mistakes().map((text) => `${runtime.routed.name}: ${text}`),
    );
    const wrong = findings().map(describeFinding);
    const untrusted = runtimes().flatMap(({ pool, trustOf }) =>
      pool.snapshot().endpoints.flatMap(({ endpoint }) => {
        const { trust, reason } = trustOf(endpoint.id);
        return trust === 'exact' ? [] : [`${endpoint.name}: ${trust} (${reason ?? 'unknown'})`];
      }),
    );
    return [
      { name: 'endpoints-known', isMet: hasSynced(), detail: sources.join('; ') },
      replays(),
      warmStart(),
      tokenizers(),
      { name: 'not-draining', isMet: !isDraining(), detail: isDraining() ? 'draining' : 'serving' },
      informative('trust', untrusted.length === 0 ? 'exact' : untrusted.slice(0, 10).join('; ')),
      informative('definitions', mistakes.length === 0 ? 'no mistakes' : mistakes.slice(0, 10).join('; ')),
      informative('findings', wrong.length === 0 ? 'nothing to mend' : wrong.slice(0, 10).join(' | ')),
    ];
  };
};
