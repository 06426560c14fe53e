import type { Clock, Endpoint, EndpointId, Logger } from '../core/index.ts';
import { type Dial, describeFinding, type Finding, findClosedEventPorts } from '../discovery/index.ts';
import type { Pool } from '../pool/index.ts';
import type { PoolRuntime } from './pool-runtime.ts';

/** Says which event and replay ports cannot be reached from here, which a socket that dials again and again never tells. */
export interface PortWatch {
  /** Looks at once a round until the signal is aborted. */
  start(signal: AbortSignal): void;
  /** What the last round found. */
  findings(): readonly Finding[];
}

/** What is looked at of a pool. */
type WatchedPool = Pick<PoolRuntime, 'trustOf'> & { readonly pool: Pick<Pool, 'snapshot'> };

/** Streams have had time to connect by then. */
const INTERVAL_MS = 15_000;
const DIAL_TIMEOUT_MS = 3_000;
/** Endpoints dialled at most in a round. */
const LARGEST_ROUND = 32;

/** Reasons of lacking trust that a closed port may be behind. */
const suspicious: ReadonlySet<string | null> = new Set(['not-connected', 'disconnected', 'history-unknown']);

/** Endpoints that answer, whose events or history are missing. */
const suspects = (runtimes: readonly WatchedPool[]): readonly Endpoint[] =>
  runtimes.flatMap(({ pool, trustOf }) =>
    pool
      .snapshot()
      .endpoints.filter(({ isTerminating, health }) => !isTerminating && health === 'ready')
      .map(({ endpoint }) => endpoint)
      .filter(({ id, eventsAddress }) => eventsAddress !== null && suspicious.has(trustOf(id).reason)),
  );

/** Creates a watch. An endpoint's finding is logged when it is new, and goes when its stream or its port is well again. */
export const createPortWatch = (options: {
  readonly runtimes: () => readonly WatchedPool[];
  readonly dial: Dial;
  readonly clock: Clock;
  readonly logger: Logger;
}): PortWatch => {
  const { runtimes, dial, clock, logger } = options;
  let known: ReadonlyMap<EndpointId, readonly Finding[]> = new Map();

  const round = async (signal: AbortSignal): Promise<void> => {
    const dialling = { dial, clock, timeoutMs: DIAL_TIMEOUT_MS, signal };
    const next = new Map<EndpointId, readonly Finding[]>();
    await Promise.all(
      suspects(runtimes())
        .slice(0, LARGEST_ROUND)
        .map(async (endpoint) => next.set(endpoint.id, await findClosedEventPorts(endpoint, dialling))),
    );
    for (const [id, findings] of next) {
      const before = new Set((known.get(id) ?? []).map(describeFinding));
      for (const finding of findings) {
        const text = describeFinding(finding);
        if (!before.has(text)) logger.warn('an event port cannot be reached', { endpoint: id, finding: text });
      }
    }
    known = next;
  };

  return {
    start: (signal) => {
      const again = (): void => {
        const cancel = clock.schedule(INTERVAL_MS, () => {
          signal.removeEventListener('abort', cancel);
          // Rejects only where the signal is aborted.
          round(signal).then(again, () => {});
        });
        signal.addEventListener('abort', cancel, { once: true });
      };
      again();
    },
    findings: () => [...known.values()].flat(),
  };
};
