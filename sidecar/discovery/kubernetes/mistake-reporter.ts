import type { Clock, Logger } from '../../core/index.ts';
import type { KubernetesApi } from './api.ts';
import type { BuiltPool } from './build-pools.ts';

/** Tells people about mistakes where they look: as an Event on the annotated object, and in the log. */
export interface MistakeReporter {
  /** Reports each mistake that is new, or was last reported over an hour ago. Never throws. */
  report(pools: readonly BuiltPool[]): void;
}

const REPEAT_MS = 3_600_000;
/** Events written at most in any minute, all objects together. */
const EVENTS_A_MINUTE = 20;

const apiVersionOf = (kind: BuiltPool['owner']['kind']): string =>
  kind === 'Service' ? 'v1' : 'inference.networking.k8s.io/v1';

/** Creates a reporter; Events are core/v1, of type Warning and reason `WarmrouteAnnotation`. */
export const createMistakeReporter = (options: {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): MistakeReporter => {
  const { api, clock, logger, signal } = options;
  const reportedAtMs = new Map<string, number>();
  let minuteStartMs = clock.now();
  let writtenThisMinute = 0;
  let hasWarnedOfRefusal = false;

  const mayWrite = (): boolean => {
    if (clock.now() - minuteStartMs >= 60_000) {
      minuteStartMs = clock.now();
      writtenThisMinute = 0;
    }
    if (writtenThisMinute >= EVENTS_A_MINUTE) return false;
    writtenThisMinute += 1;
    return true;
  };

  const write = ({ kind, meta }: BuiltPool['owner'], mistake: string): void => {
    if (!mayWrite()) return;
    const at = new Date(clock.wallNow()).toISOString().replace(/\.\d+Z$/, 'Z');
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${meta.name}.`, namespace: meta.namespace },
      involvedObject: {
        apiVersion: apiVersionOf(kind),
        kind,
        name: meta.name,
        namespace: meta.namespace,
        uid: meta.uid,
      },
      type: 'Warning',
      reason: 'WarmrouteAnnotation',
      message: mistake.slice(0, 1024),
      source: { component: 'warmroute' },
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    };
    api.create(`/api/v1/namespaces/${meta.namespace}/events`, event, signal).catch((failure: unknown) => {
      if (signal.aborted || hasWarnedOfRefusal) return;
      hasWarnedOfRefusal = true;
      const problem = failure instanceof Error ? failure.message : String(failure);
      logger.warn('an Event could not be written; the Role needs verb create on events', { problem });
    });
  };

  return {
    report: (pools) => {
      const now = clock.now();
      const present = new Set<string>();
      for (const { pool, owner } of pools) {
        for (const mistake of pool.mistakes) {
          const key = `${owner.meta.uid} ${mistake}`;
          present.add(key);
          const lastMs = reportedAtMs.get(key);
          if (lastMs !== undefined && now - lastMs < REPEAT_MS) continue;
          reportedAtMs.set(key, now);
          logger.warn('mistaken annotation', {
            object: `${owner.kind} ${owner.meta.namespace}/${owner.meta.name}`,
            mistake,
          });
          write(owner, mistake);
        }
      }
      for (const key of reportedAtMs.keys()) if (!present.has(key)) reportedAtMs.delete(key);
    },
  };
};
