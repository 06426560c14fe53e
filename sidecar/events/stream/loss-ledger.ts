import type { LossCounts } from './stream-position.ts';

/**
 * What is known to be missing from an endpoint's part of the index, counted since its cache was last known to be empty:
 * at the engine's start, after `AllBlocksCleared`, or where a replay says that nothing was published yet.
 */
export class LossLedger {
  #isAnchored = false;
  #applied = 0;
  #lost = 0;
  #isZeroInDoubt = false;
  #storedBlocks = 0;
  #orphanedBlocks = 0;

  /** Whether an empty cache was seen, or at least the number of batches missing since one is known. */
  get isAnchored(): boolean {
    return this.#isAnchored;
  }

  /** Batches applied. */
  get appliedBatches(): number {
    return this.#applied;
  }

  /** Batches that will never be applied; number 0 among them while it is in doubt. */
  get lostBatches(): number {
    return this.#lost + (this.#isZeroInDoubt ? 1 : 0);
  }

  /** Blocks that the engine stored and that have no place in the index, since their parent is not known. */
  get orphanedBlocks(): number {
    return this.#orphanedBlocks;
  }

  /** Share of blocks that are orphans, 0 to 1. */
  get orphanShare(): number {
    return this.#orphanedBlocks === 0 ? 0 : this.#orphanedBlocks / (this.#orphanedBlocks + this.#storedBlocks);
  }

  /** The cache is known to be empty as of now: nothing before matters. */
  anchor(): void {
    this.reset();
    this.#isAnchored = true;
  }

  /** Nothing is known any more. */
  reset(): void {
    this.#isAnchored = false;
    this.#applied = 0;
    this.#lost = 0;
    this.#isZeroInDoubt = false;
    this.#storedBlocks = 0;
    this.#orphanedBlocks = 0;
  }

  counts(): LossCounts {
    return {
      appliedBatches: this.#applied,
      lostBatches: this.lostBatches,
      storedBlocks: this.#storedBlocks,
      orphanedBlocks: this.#orphanedBlocks,
    };
  }

  /** Goes on from counts taken elsewhere. */
  restore({ appliedBatches, lostBatches, storedBlocks, orphanedBlocks }: LossCounts): void {
    this.anchor();
    this.#applied = appliedBatches;
    this.#lost = lostBatches;
    this.#storedBlocks = storedBlocks;
    this.#orphanedBlocks = orphanedBlocks;
  }

  applyBatch(): void {
    this.#applied += 1;
  }

  loseBatches(count: number): void {
    this.#isAnchored = true;
    this.#lost += count;
  }

  /** The stream began with number 1: either the engine counts from there, or number 0 is lost. */
  doubtZero(): void {
    this.#isAnchored = true;
    this.#isZeroInDoubt = true;
  }

  /** The engine counts from 1, so there never was a number 0. */
  dismissZero(): void {
    this.#isZeroInDoubt = false;
  }

  storeBlocks(count: number): void {
    this.#storedBlocks += count;
  }

  orphanBlocks(count: number): void {
    this.#orphanedBlocks += count;
  }

  /** Orphans that found their place, or that the engine removed. */
  settleOrphans(count: number): void {
    this.#orphanedBlocks = Math.max(0, this.#orphanedBlocks - count);
  }
}
