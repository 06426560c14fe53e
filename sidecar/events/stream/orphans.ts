import type { BlockRemoved, BlockStored, EngineKey } from '../../kvindex/index.ts';

/** One block that the engine holds and whose parent is not known here. */
interface Orphan {
  /** The block alone, as a stored event of its own. */
  readonly event: BlockStored;
  readonly ownKey: string;
  readonly parentKey: string;
  readonly sinceMs: number;
  /** How many copies the engine holds. */
  copies: number;
}

const linkKey = (group: number, lo: number, hi: number): string => `${group}/${hi}/${lo}`;
const copyKey = (medium: string, link: string): string => `${medium}/${link}`;

/**
 * Blocks kept aside until their parent shows up. Bounded by number and age, oldest dropped first. Never attached to the
 * root. Each operation is O(blocks of the event); an empty instance costs nothing.
 */
export class Orphans {
  readonly #byOwnKey = new Map<string, Orphan>();
  readonly #byParent = new Map<string, Set<Orphan>>();
  readonly #maxBlocks: number;
  readonly #maxAgeMs: number;

  constructor(options: { readonly maxBlocks: number; readonly maxAgeMs: number }) {
    this.#maxBlocks = options.maxBlocks;
    this.#maxAgeMs = options.maxAgeMs;
  }

  /** Blocks kept. */
  get size(): number {
    return this.#byOwnKey.size;
  }

  /** Keeps the blocks of a stored event that has a parent; returns how many older ones were dropped for it. */
  add(event: BlockStored, nowMs: number): number {
    const blocks = event.engineKeys.length / 2;
    let parent = event.parent;
    for (let block = 0; block < blocks && parent !== null; block += 1) {
      const own: EngineKey = { lo: event.engineKeys[2 * block] ?? 0, hi: event.engineKeys[2 * block + 1] ?? 0 };
      this.#addBlock(event, block, parent, own, nowMs);
      parent = own;
    }
    return this.#dropOldest(nowMs);
  }

  /** Forgets one copy of each block removed; returns how many copies were kept here. */
  remove(event: BlockRemoved): number {
    let copies = 0;
    for (let i = 0; i < event.engineKeys.length; i += 2) {
      const link = linkKey(event.group, event.engineKeys[i] ?? 0, event.engineKeys[i + 1] ?? 0);
      const orphan = this.#byOwnKey.get(copyKey(event.medium, link));
      if (orphan === undefined) continue;
      orphan.copies -= 1;
      copies += 1;
      if (orphan.copies === 0) this.#drop(orphan);
    }
    return copies;
  }

  /** Takes out the children of the blocks that `event` stores, one event a copy. Their own children stay. */
  takeChildren(event: BlockStored): readonly BlockStored[] {
    const taken: BlockStored[] = [];
    for (let i = 0; i < event.engineKeys.length; i += 2) {
      const link = linkKey(event.group, event.engineKeys[i] ?? 0, event.engineKeys[i + 1] ?? 0);
      for (const orphan of this.#byParent.get(link) ?? []) {
        this.#drop(orphan);
        for (let copy = 0; copy < orphan.copies; copy += 1) taken.push(orphan.event);
      }
    }
    return taken;
  }

  clear(): void {
    this.#byOwnKey.clear();
    this.#byParent.clear();
  }

  #addBlock(event: BlockStored, block: number, parent: EngineKey, own: EngineKey, nowMs: number): void {
    const ownKey = copyKey(event.medium, linkKey(event.group, own.lo, own.hi));
    const known = this.#byOwnKey.get(ownKey);
    if (known !== undefined) {
      known.copies += 1;
      return;
    }
    const single: BlockStored = {
      ...event,
      parent,
      engineKeys: Int32Array.of(own.lo, own.hi),
      tokenIds: event.tokenIds.slice(block * event.blockSize, (block + 1) * event.blockSize),
      extras: event.extras === null ? null : [event.extras[block] ?? null],
    };
    const parentKey = linkKey(event.group, parent.lo, parent.hi);
    const orphan: Orphan = { event: single, ownKey, parentKey, sinceMs: nowMs, copies: 1 };
    this.#byOwnKey.set(ownKey, orphan);
    const siblings = this.#byParent.get(parentKey);
    if (siblings === undefined) this.#byParent.set(parentKey, new Set([orphan]));
    else siblings.add(orphan);
  }

  #dropOldest(nowMs: number): number {
    let dropped = 0;
    for (const orphan of this.#byOwnKey.values()) {
      if (this.#byOwnKey.size <= this.#maxBlocks && nowMs - orphan.sinceMs <= this.#maxAgeMs) break;
      this.#drop(orphan);
      dropped += 1;
    }
    return dropped;
  }

  #drop(orphan: Orphan): void {
    this.#byOwnKey.delete(orphan.ownKey);
    const siblings = this.#byParent.get(orphan.parentKey);
    siblings?.delete(orphan);
    if (siblings?.size === 0) this.#byParent.delete(orphan.parentKey);
  }
}
