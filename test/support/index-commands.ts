/** Random event histories for comparing prefix indexes, and the comparison. */

import fc from 'fast-check';
import { type EndpointId, endpointId } from '../../sidecar/core/index.ts';
import {
  type BlockKeys,
  type BlockRemoved,
  type BlockStored,
  computeBlockKeys,
  type Holder,
  type PrefixIndex,
} from '../../sidecar/kvindex/index.ts';
import { plainIdentity, removed, stored } from './block-events.ts';

/** One thing that happens to an index. Endpoints go by number; a command for one that is not there adds it first. */
export type IndexCommand =
  | { readonly kind: 'store'; readonly endpoint: number; readonly event: BlockStored }
  | { readonly kind: 'remove'; readonly endpoint: number; readonly event: BlockRemoved }
  | { readonly kind: 'clear'; readonly endpoint: number }
  | { readonly kind: 'leave'; readonly endpoint: number };

const ENDPOINTS = 3;
const LARGEST_KEY = 14;

const media = fc.constantFrom('GPU', 'GPU', 'CPU');
const groups = fc.constantFrom(0, 0, 0, 1);
const keyNumbers = fc.integer({ min: 1, max: LARGEST_KEY });
const endpoints = fc.nat({ max: ENDPOINTS - 1 });

/** Stores of a tiny world in which engine keys clash, repeat and contradict each other on purpose. */
const storedEvents: fc.Arbitrary<BlockStored> = fc
  .record({
    keys: fc.array(keyNumbers, { minLength: 1, maxLength: 4 }),
    parent: fc.option(keyNumbers, { nil: undefined, freq: 2 }),
    blockSize: fc.constantFrom(1, 1, 1, 2),
    medium: media,
    group: groups,
    words: fc.array(fc.constantFrom(1, 2), { minLength: 8, maxLength: 8 }),
    loraName: fc.constantFrom(undefined, undefined, undefined, 'adapter'),
    salted: fc.constantFrom(false, false, false, true),
    attentionKind: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, 'full_attention', 'mamba'),
    form: fc.constantFrom('chain', 'chain', 'chain', 'chain', 'placeholder', 'sparse'),
  })
  .map(({ keys, parent, blockSize, words, loraName, salted, attentionKind, form, ...shelf }) =>
    stored({
      ...shelf,
      keys,
      blockSize: form === 'placeholder' ? 0 : blockSize,
      tokenIds: form === 'placeholder' ? [] : words.slice(0, keys.length * blockSize + (form === 'sparse' ? 1 : 0)),
      ...(parent === undefined || form === 'placeholder' ? {} : { parent }),
      ...(loraName === undefined ? {} : { loraName }),
      ...(attentionKind === undefined ? {} : { attentionKind }),
      ...(salted && parent === undefined ? { extras: keys.map((_, block) => (block === 0 ? ['salt'] : null)) } : {}),
    }),
  );

const removedEvents: fc.Arbitrary<BlockRemoved> = fc
  .record({ keys: fc.array(keyNumbers, { minLength: 1, maxLength: 4 }), medium: media, group: groups })
  .map(({ keys, medium, group }) => removed(keys, medium, group));

const storeCommands = fc.record({ kind: fc.constant('store' as const), endpoint: endpoints, event: storedEvents });
const removeCommands = fc.record({ kind: fc.constant('remove' as const), endpoint: endpoints, event: removedEvents });
const emptyingCommands = fc.record({ kind: fc.constantFrom('clear' as const, 'leave' as const), endpoint: endpoints });

/** Histories of up to 60 commands. */
export const commandHistories: fc.Arbitrary<readonly IndexCommand[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: storeCommands },
    { weight: 7, arbitrary: removeCommands },
    { weight: 1, arbitrary: emptyingCommands },
  ),
  { maxLength: 60, size: 'max' },
);

/** An index with its endpoints by number. */
export class CommandedIndex<Index extends PrefixIndex = PrefixIndex> {
  readonly index: Index;
  readonly #holders = new Map<number, Holder>();

  constructor(index: Index) {
    this.index = index;
  }

  get endpoints(): readonly number[] {
    return [...this.#holders.keys()].sort();
  }

  holder(endpoint: number): Holder {
    const known = this.#holders.get(endpoint);
    if (known !== undefined) return known;
    const holder = this.index.addHolder(CommandedIndex.endpointId(endpoint));
    this.#holders.set(endpoint, holder);
    return holder;
  }

  static endpointId(endpoint: number): EndpointId {
    return endpointId(`pool/${endpoint}`);
  }

  /** Carries a command out; returns what the index said to it. */
  run(command: IndexCommand): unknown {
    const holder = this.holder(command.endpoint);
    switch (command.kind) {
      case 'store':
        return this.index.store(holder, command.event);
      case 'remove':
        return this.index.remove(holder, command.event);
      case 'clear':
        return this.index.clear(holder);
      case 'leave':
        this.#holders.delete(command.endpoint);
        return this.index.removeHolder(holder);
    }
  }

  /** All that can be asked of the index about the tiny world, by endpoint. */
  observe(): unknown {
    const { blocks, pairs, holders } = this.index.stats();
    const weights = (medium: string): number => (medium === 'GPU' ? 1 : 0.5);
    const prompts = observedPrompts.map((keys) => {
      const into = new Int32Array(this.index.capacity);
      this.index.match(keys, into);
      const byMedium = {
        blocks: new Int32Array(this.index.capacity),
        weightedBlocks: new Float64Array(this.index.capacity),
      };
      this.index.matchByMedium(keys, weights, byMedium);
      return this.endpoints.map((endpoint) => {
        const holder = this.holder(endpoint);
        return [
          into[holder],
          byMedium.blocks[holder],
          byMedium.weightedBlocks[holder],
          Array.from({ length: keys.count }, (_, block) => this.index.mediaOf(holder, keys, block)),
          Array.from({ length: keys.count + 1 }, (_, block) => this.index.heldUntil(holder, keys, block)),
        ];
      });
    });
    return {
      blocks,
      pairs,
      holders,
      blockSizes: this.index.blockSizes(),
      blocksOf: this.endpoints.map((endpoint) => this.index.blocksOf(this.holder(endpoint))),
      prompts,
    };
  }
}

const observedIdentities = [
  plainIdentity,
  { ...plainIdentity, salt: 'salt' },
  { ...plainIdentity, loraName: 'adapter' },
];

/** Every prompt of four words out of two, with each identity and block size of the tiny world. */
const observedPrompts: readonly BlockKeys[] = Array.from({ length: 16 }, (_, pattern) =>
  Int32Array.from([8, 4, 2, 1], (bit) => ((pattern & bit) === 0 ? 1 : 2)),
).flatMap((tokenIds) =>
  observedIdentities.flatMap((identity) =>
    [1, 2].map((blockSize) => computeBlockKeys(tokenIds, { blockSize, identity })),
  ),
);
