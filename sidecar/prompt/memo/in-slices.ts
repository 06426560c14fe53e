import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../core/index.ts';

/** Work that gives back control now and then, and gives its result in the end. */
export type Steps<Result> = Generator<void, Result, void>;

/** How long others wait for work that takes its time. */
const SLICE_MS = 1;

/** Does all of the work in one go. */
export const atOnce = <Result>(steps: Steps<Result>): Result => {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
};

/** Does the work in slices of a millisecond, between which others have their turn. */
export const inSlices = async <Result>(steps: Steps<Result>, clock: Clock): Promise<Result> => {
  for (let startMs = clock.now(); ; ) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (clock.now() - startMs < SLICE_MS) continue;
    await nextTurn();
    startMs = clock.now();
  }
};
