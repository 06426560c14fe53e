import { defaultTiming, type StreamTiming } from '../../../sidecar/events/index.ts';

/** How large a run of the scenarios is. */
export interface RunSize {
  /** Whether faults last for a number of turns or for a time. */
  readonly lasts: 'turns' | 'ms';
  /** Least time from one turn to the next. */
  readonly turnMs: number;
  /** Turns sent one by one after the repair, whose predictions must all be right. */
  readonly settledTurns: number;
  readonly timing: StreamTiming;
  /** Longest wait for anything. */
  readonly patienceMs: number;
}

/** For `npm test`: short waits, so that faults are noticed within a test's patience. */
export const smallRun: RunSize = {
  lasts: 'turns',
  turnMs: 0,
  settledTurns: 12,
  timing: {
    ...defaultTiming,
    replayIdleMs: 120,
    replayBackoffMs: 10,
    replayBackoffCapMs: 20,
    replayCooldownMs: 100,
    staleAfterMs: 600,
    quietCheckMs: 60,
  },
  patienceMs: 45_000,
};

/** For figures: what a sidecar does without any setting. */
export const fullRun: RunSize = {
  lasts: 'ms',
  turnMs: 20,
  settledTurns: 100,
  timing: defaultTiming,
  patienceMs: 120_000,
};
