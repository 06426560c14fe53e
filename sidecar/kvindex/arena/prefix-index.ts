import { type EndpointId, type Medium, type Random, SidecarError } from '../../core/index.ts';
import type { BlockKeys, KeySeed } from '../block-keys.ts';
import type { BlockRemoved, BlockStored } from '../kv-event.ts';
import type { DumpablePrefixIndex, Holder, IndexStats, MediumMatch, StoreOutcome } from '../port.ts';
import { isPlaceholder, MOST_SHELVES, reasonToIgnore } from '../store-rules.ts';
import { BlockStore } from './block-store.ts';
import { dumpHolder } from './dump-holder.ts';
import { EventWriter } from './event-writer.ts';
import { loadHolder } from './load-holder.ts';
import { PrefixWalk } from './prefix-walk.ts';
import { findShelf, type HolderState, isIgnored, type Shelf } from './shelf.ts';
import { Sweeper } from './sweeper.ts';

/** Entries of cleared endpoints looked at with each block written, and with each event besides. */
const SWEEP_PER_BLOCK = 8;
const SWEEP_PER_EVENT = 64;

/**
 * The prefix index in typed arrays. Blocks are nodes of an arena, found by key; each names one interned set of shelves
 * (endpoint, medium, group) that hold it; each shelf has its own table from engine keys to nodes.
 */
export class ArenaPrefixIndex implements DumpablePrefixIndex {
  readonly #store: BlockStore;
  readonly #walk: PrefixWalk;
  readonly #writer: EventWriter;
  readonly #sweeper: Sweeper;
  readonly #holders: (HolderState | null)[] = [];
  readonly #byEndpoint = new Map<EndpointId, HolderState>();
  readonly #freeHolders: number[] = [];
  #keySeed: KeySeed;

  constructor(options: { readonly maxBlocks: number; readonly keySeed: KeySeed; readonly random: Random }) {
    this.#store = new BlockStore(options);
    this.#walk = new PrefixWalk(this.#store);
    this.#writer = new EventWriter(this.#store);
    this.#sweeper = new Sweeper(this.#store);
    this.#keySeed = options.keySeed;
  }

  get capacity(): number {
    return this.#holders.length;
  }

  get keySeed(): KeySeed {
    return this.#keySeed;
  }

  addHolder(endpoint: EndpointId): Holder {
    if (this.#byEndpoint.has(endpoint)) throw new SidecarError('invalid-argument', `${endpoint} is registered already`);
    const number = this.#freeHolders.pop() ?? this.#holders.length;
    const holder = number as Holder; // the brand's constructor
    const state: HolderState = {
      holder,
      endpoint,
      blocks: 0,
      shelves: [],
      ignored: [],
      journal: null,
      generation: 0,
    };
    this.#holders[number] = state;
    this.#byEndpoint.set(endpoint, state);
    this.#walk.reserve(this.#holders.length);
    return holder;
  }

  removeHolder(holder: Holder): void {
    const state = this.#holders[holder];
    if (state === undefined || state === null) return;
    this.#sweeper.takeRetired(this.#store.retireShelves(state));
    this.#holders[holder] = null;
    this.#byEndpoint.delete(state.endpoint);
    this.#freeHolders.push(holder);
  }

  store(holder: Holder, event: BlockStored): StoreOutcome {
    const state = this.#stateOf(holder);
    const blocks = event.engineKeys.length >>> 1;
    this.#sweeper.sweep(SWEEP_PER_EVENT + blocks * SWEEP_PER_BLOCK);
    const why = reasonToIgnore(event);
    const outcome: StoreOutcome = why === null ? this.#write(state, event) : { kind: 'ignored', why };
    if (outcome.kind === 'ignored' && state.ignored.length < MOST_SHELVES && !isIgnored(state, event)) {
      state.ignored.push({ medium: event.medium, group: event.group });
    }
    return outcome;
  }

  remove(holder: Holder, event: BlockRemoved): number {
    const state = this.#stateOf(holder);
    this.#sweeper.sweep(SWEEP_PER_EVENT + event.engineKeys.length * (SWEEP_PER_BLOCK / 2));
    const unknown = this.#writer.remove(state, event);
    return unknown > 0 && isIgnored(state, event) ? 0 : unknown;
  }

  clear(holder: Holder): number {
    const state = this.#stateOf(holder);
    const { blocks } = state;
    this.#sweeper.takeRetired(this.#store.retireShelves(state));
    return blocks;
  }

  match(keys: BlockKeys, into: Int32Array): void {
    into.fill(0, 0, this.capacity);
    this.#walk.match(keys, into);
  }

  matchByMedium(keys: BlockKeys, weightOf: (medium: Medium) => number, into: MediumMatch): void {
    into.blocks.fill(0, 0, this.capacity);
    into.weightedBlocks.fill(0, 0, this.capacity);
    this.#walk.matchByMedium(keys, weightOf, into);
  }

  holds(holder: Holder, keys: BlockKeys, block: number): boolean {
    return this.#shelvesWith(holder, keys, block).length > 0;
  }

  heldUntil(holder: Holder, keys: BlockKeys, from: number): number {
    return this.#walk.heldUntil(holder, keys, from);
  }

  mediaOf(holder: Holder, keys: BlockKeys, block: number): readonly Medium[] {
    return [...new Set(this.#shelvesWith(holder, keys, block).map(({ medium }) => medium))].sort();
  }

  blockSizes(): readonly number[] {
    return this.#store.sizes.inUse();
  }

  media(): readonly Medium[] {
    return this.#store.shelves.media();
  }

  blocksOf(holder: Holder): number {
    return this.#holders[holder]?.blocks ?? 0;
  }

  stats(): IndexStats {
    let pairs = 0;
    let bytes = this.#store.bytes + this.#walk.bytes + this.#sweeper.bytes;
    for (const state of this.#byEndpoint.values()) {
      pairs += state.blocks;
      for (const shelf of state.shelves) bytes += shelf.keys.bytes + shelf.blocksByClass.byteLength;
    }
    return {
      blocks: this.#store.countBlocks(this.#sweeper.isSweepingRetired),
      pairs,
      holders: this.#byEndpoint.size,
      bytes,
      evictedBlocks: this.#store.evictedBlocks,
    };
  }

  dumpHolder(holder: Holder): Generator<Uint8Array, void, void> {
    return dumpHolder(this.#stateOf(holder), this.#store, this.#keySeed);
  }

  loadHolder(holder: Holder, dump: Uint8Array): Generator<void, void, void> {
    return loadHolder(dump, {
      state: this.#stateOf(holder),
      store: this.#store,
      useSeed: (seed) => {
        if (seed.lo === this.#keySeed.lo && seed.hi === this.#keySeed.hi) return true;
        if (this.stats().pairs > 0) return false;
        this.#keySeed = seed;
        return true;
      },
    });
  }

  #stateOf(holder: Holder): HolderState {
    const state = this.#holders[holder];
    if (state === undefined || state === null)
      throw new SidecarError('invalid-argument', `no holder has number ${holder}`);
    return state;
  }

  #write(state: HolderState, event: BlockStored): StoreOutcome {
    if (event.engineKeys.length === 0) return { kind: 'stored', blocks: 0, duplicates: 0 };
    if (state.shelves.length >= MOST_SHELVES && findShelf(state, event.medium, event.group) === undefined) {
      return { kind: 'ignored', why: 'malformed' };
    }
    this.#store.tick();
    return isPlaceholder(event)
      ? this.#writer.attach(state, event)
      : this.#writer.storeChain(state, event, this.#keySeed);
  }

  #shelvesWith(holder: Holder, keys: BlockKeys, block: number): readonly Shelf[] {
    const state = this.#holders[holder];
    if (state === undefined || state === null || block < 0 || block >= keys.count) return [];
    const node = this.#store.find(keys.lo[block] ?? 0, keys.hi[block] ?? 0);
    const set = this.#store.nodes.set(node);
    return state.shelves.filter((shelf) => this.#store.sets.has(set, shelf.id));
  }
}
