import { createHash } from 'node:crypto';
import type { Clock, Logger } from '../../core/index.ts';
import type { KubernetesApi } from './api.ts';
import { ownerText, type PoolOwner } from './owned-pool.ts';
import type { AnnotatedObject } from './pool-builder.ts';

/** Tells people about mistakes where they look: as an Event on the annotated object, and in the log. */
export interface MistakeReporter {
  /** Reports each mistake that is new, or was last reported over an hour ago. Never throws. */
  report(objects: readonly AnnotatedObject[]): void;
}

/** An API server forgets Events after an hour. */
const REPEAT_MS = 3_600_000;
/** Events written at most in any minute, all objects together; the rest when a report finds them again. */
const EVENTS_A_MINUTE = 20;

/** One Event (core/v1). Its name is made of what it says, so that replicas write one between them. */
const eventOf = (owner: PoolOwner, mistake: string, wallNowMs: number) => {
  const { name, namespace, uid } = owner.meta;
  const at = new Date(wallNowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const hour = Math.floor(wallNowMs / REPEAT_MS);
  const digest = createHash('sha256').update(`${uid} ${hour} ${mistake}`).digest('hex').slice(0, 16);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 200)}.${digest}`, namespace },
    involvedObject: { apiVersion: owner.apiVersion, kind: owner.kind, name, namespace, uid },
    type: 'Warning',
    reason: 'WarmrouteAnnotation',
    message: mistake.slice(0, 1024),
    source: { component: 'warmroute' },
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
};

/** Creates a reporter; Events are of type Warning and reason `WarmrouteAnnotation`. */
export const createMistakeReporter = (options: {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): MistakeReporter => {
  const { api, clock, logger, signal } = options;
  /** When each mistake's Event was written; null: it is in the log only, for there were too many. */
  const reported = new Map<string, number | null>();
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

  const write = (owner: PoolOwner, mistake: string): void => {
    const path = `/api/v1/namespaces/${owner.meta.namespace}/events`;
    api.create(path, eventOf(owner, mistake, clock.wallNow()), signal).catch((failure: unknown) => {
      if (signal.aborted || hasWarnedOfRefusal) return;
      hasWarnedOfRefusal = true;
      const problem = failure instanceof Error ? failure.message : String(failure);
      logger.warn('an Event could not be written; the Role needs verb create on events', { problem });
    });
  };

  const reportOne = (owner: PoolOwner, mistake: string, key: string): void => {
    const lastMs = reported.get(key);
    if (typeof lastMs === 'number' && clock.now() - lastMs < REPEAT_MS) return;
    if (lastMs === undefined) logger.warn('mistaken annotation', { object: ownerText(owner), mistake });
    const isWritten = mayWrite();
    reported.set(key, isWritten ? clock.now() : null);
    if (isWritten) write(owner, mistake);
  };

  return {
    report: (objects) => {
      const present = new Set<string>();
      for (const { owner, mistakes } of objects) {
        for (const mistake of mistakes) {
          const key = `${owner.meta.uid} ${mistake}`;
          present.add(key);
          reportOne(owner, mistake, key);
        }
      }
      for (const key of reported.keys()) if (!present.has(key)) reported.delete(key);
    },
  };
};
