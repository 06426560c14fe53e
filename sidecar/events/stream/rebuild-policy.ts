import type { ReplayOutcome, ReplayPurpose } from './recovery.ts';

/** Times that a stream starts over and finds unreadable batches again, after which only a restart gives new hope. */
const maxMalformedRebuilds = 3;

/** What is missing from a stream, as far as a replay could bring it. */
export interface MissingFacts {
  /** Number of the last batch dealt with, null where nothing is applied. */
  readonly last: number | null;
  readonly isAnchored: boolean;
  readonly lostBatches: number;
  readonly isTailUnknown: boolean;
}

/** Remembers whether what was written off may yet be had, since the replay that was to bring it failed. */
export class RebuildPolicy {
  #isWorthwhile = false;
  #malformedRebuilds = 0;

  /** Batches were written off though the engine may still have them. */
  hope(): void {
    this.#isWorthwhile = true;
  }

  /** Takes in how a replay ended. One that came to its end from the start brought all that the engine has. */
  noteOutcome(outcome: ReplayOutcome, purpose: ReplayPurpose): void {
    if (outcome === 'complete') {
      if (purpose === 'rebuild' || purpose === 'join') this.#isWorthwhile = false;
      return;
    }
    if (outcome === 'malformed' && purpose === 'rebuild') this.#malformedRebuilds += 1;
    // A check writes off only what it could not read.
    const mayHaveWrittenOff = purpose !== 'start' && (purpose !== 'check' || outcome === 'malformed');
    if (mayHaveWrittenOff) this.#isWorthwhile = true;
  }

  /** The engine restarted: what was missing is gone with its cache. */
  forget(): void {
    this.#isWorthwhile = false;
    this.#malformedRebuilds = 0;
  }

  /** The replay to begin for what is missing; null where nothing is, or nothing more can be hoped for. */
  purposeFor(facts: MissingFacts): ReplayPurpose | null {
    if (!this.#isWorthwhile || this.#malformedRebuilds >= maxMalformedRebuilds) return null;
    if (facts.last === null) return facts.isAnchored ? null : 'join';
    if (!facts.isAnchored || facts.lostBatches > 0) return 'rebuild';
    return facts.isTailUnknown ? 'catch-up' : null;
  }
}
