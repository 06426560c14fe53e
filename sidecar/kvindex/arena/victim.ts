import type { Random } from '../../core/index.ts';
import type { NodeArena } from './node-arena.ts';

/** Up to this many nodes the oldest leaf is searched for among all. */
const EXACT_NODES = 1024;
const SAMPLES = 256;
/** Leaves among this share of the oldest blocks may go. */
const OLDEST_SHARE = 1 / 16;
/** Nodes looked at before the oldest leaf among them is taken even if it is not old. */
const PATIENCE = 1024;

/**
 * Finds the block to drop when the cap is reached: one that no other is built on, among those stored longest ago; exact
 * up to 1,024 nodes. Beyond, a hand goes over the nodes from high numbers to low ones, so that it meets a chain's end
 * before its start, and takes the first leaf that is as old as the oldest sixteenth of a random sample. The returned
 * function gives 0 when every node but `spared` has others built on it.
 */
export const oldestLeaf = (nodes: NodeArena, random: Random): ((spared: number, now: number) => number) => {
  let hand = 0;
  let oldEnough = 0;
  let takenSinceSample = Number.POSITIVE_INFINITY;

  const ageOf = (node: number, now: number): number => (now - nodes.storedAt(node)) >>> 0;

  const sampleAges = (now: number): void => {
    const ages: number[] = [];
    for (let tries = 0; tries < SAMPLES * 4 && ages.length < SAMPLES; tries += 1) {
      const node = 1 + Math.floor(random() * (nodes.end - 1));
      if (nodes.isTaken(node) && !nodes.isEvicted(node)) ages.push(ageOf(node, now));
    }
    ages.sort((a, b) => b - a);
    oldEnough = ages[Math.floor(ages.length * OLDEST_SHARE)] ?? 0;
    takenSinceSample = 0;
  };

  return (spared, now) => {
    const { end } = nodes;
    const isExact = end <= EXACT_NODES;
    if (!isExact && takenSinceSample > nodes.live / 64) sampleAges(now);
    takenSinceSample += 1;
    let oldest = 0;
    let oldestAge = -1;
    for (let looked = 0; looked < end; looked += 1) {
      if (!isExact && looked >= PATIENCE && oldest !== 0) break;
      hand = hand <= 1 ? end - 1 : hand - 1;
      if (hand === spared || !nodes.isTaken(hand) || nodes.isEvicted(hand) || nodes.children(hand) > 0) continue;
      const age = ageOf(hand, now);
      if (age <= oldestAge) continue;
      oldest = hand;
      oldestAge = age;
      if (!isExact && age >= oldEnough) break;
    }
    return oldest;
  };
};
