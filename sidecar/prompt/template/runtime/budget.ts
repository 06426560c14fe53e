import { fail } from './values.ts';

/** Loop turns and macro calls one render may take; a chat of 10,000 messages takes some 100,000. */
const LARGEST_STEPS = 5_000_000;

/** Ends renders that run away: nested loops over large ranges, endless recursion through namespaces. */
export class StepBudget {
  #left = LARGEST_STEPS;

  /** Counts one turn or call; fails when there were too many. */
  spend(): void {
    this.#left -= 1;
    if (this.#left < 0) fail('the template does not come to an end');
  }
}
