import { type EndpointId, SidecarError } from '../../sidecar/core/index.ts';
import type {
  BlockExtra,
  BlockRemoved,
  BlockStored,
  Holder,
  PrefixIndexWriter,
  StoreOutcome,
} from '../../sidecar/kvindex/index.ts';

/** What makes a prompt's blocks its own, as far as tests of events need it. */
interface PromptBlocks {
  readonly tokenIds: readonly number[];
  readonly blockSize: number;
  readonly loraName?: string | null;
  readonly salt?: string | null;
}

/** An index simple enough to be right by reading: strings, Maps and counts. It ignores groups and attention kinds. */
export interface TinyIndex extends PrefixIndexWriter {
  /** Tokens of a prompt that the endpoint has cached; the last token is always computed. */
  cachedTokens(endpoint: EndpointId, prompt: PromptBlocks): number;
  /** Blocks held with their number of copies, by chain of contents. */
  contents(endpoint: EndpointId): ReadonlyMap<string, number>;
  /** A copy of all that an endpoint holds, which fills a holder that holds nothing, of whatever index, in three steps. */
  save(endpoint: EndpointId): SavedPart;
  restore(holder: Holder, saved: SavedPart): Generator<void, void, void>;
}

/** What {@link TinyIndex.save} made. */
export type SavedPart = readonly { readonly key: string; readonly chain: string; readonly copies: number }[];

interface Part {
  /** Chain of a block, and its copies, by engine key. */
  readonly byKey: Map<string, { readonly chain: string; copies: number }>;
  readonly copiesOfChain: Map<string, number>;
}

const keyText = (pairs: Int32Array, block: number): string => `${pairs[2 * block + 1]}:${pairs[2 * block]}`;

const chainOf = (parent: string, tokenIds: ArrayLike<number>, lora: string | null, extras: readonly BlockExtra[]) =>
  `${parent}/${Array.from(tokenIds).join(',')};${lora ?? ''};${JSON.stringify(extras)}`;

/** Creates an empty index. */
export const createTinyIndex = (): TinyIndex => {
  const parts = new Map<Holder, Part>();
  const holders = new Map<EndpointId, Holder>();

  const partOf = (holder: Holder): Part => {
    const part = parts.get(holder);
    if (part === undefined) throw new SidecarError('invalid-argument', 'holder is not registered');
    return part;
  };
  const partOfEndpoint = (endpoint: EndpointId): Part => {
    const holder = holders.get(endpoint);
    if (holder === undefined) throw new SidecarError('invalid-argument', 'endpoint is not registered');
    return partOf(holder);
  };

  const store = (holder: Holder, event: BlockStored): StoreOutcome => {
    const { byKey, copiesOfChain } = partOf(holder);
    const blocks = event.engineKeys.length / 2;
    if (event.blockSize * blocks !== event.tokenIds.length) return { kind: 'ignored', why: 'not-dense' };
    const parent =
      event.parent === null ? { chain: '' } : byKey.get(keyText(Int32Array.of(event.parent.lo, event.parent.hi), 0));
    if (parent === undefined) return { kind: 'orphaned' };
    let { chain } = parent;
    let duplicates = 0;
    for (let block = 0; block < blocks; block += 1) {
      const tokens = event.tokenIds.subarray(block * event.blockSize, (block + 1) * event.blockSize);
      chain = chainOf(chain, tokens, event.loraName, event.extras?.[block] ?? []);
      const key = keyText(event.engineKeys, block);
      const known = byKey.get(key);
      if (known === undefined) {
        byKey.set(key, { chain, copies: 1 });
      } else {
        known.copies += 1;
        duplicates += 1;
      }
      copiesOfChain.set(chain, (copiesOfChain.get(chain) ?? 0) + 1);
    }
    return { kind: 'stored', blocks, duplicates };
  };

  const remove = (holder: Holder, event: BlockRemoved): number => {
    const { byKey, copiesOfChain } = partOf(holder);
    let unknown = 0;
    for (let block = 0; block < event.engineKeys.length / 2; block += 1) {
      const key = keyText(event.engineKeys, block);
      const known = byKey.get(key);
      if (known === undefined) {
        unknown += 1;
        continue;
      }
      known.copies -= 1;
      if (known.copies === 0) byKey.delete(key);
      const copies = (copiesOfChain.get(known.chain) ?? 0) - 1;
      if (copies === 0) copiesOfChain.delete(known.chain);
      else copiesOfChain.set(known.chain, copies);
    }
    return unknown;
  };

  return {
    addHolder: (endpoint) => {
      // Holders are numbers with a brand that only the index itself gives out.
      const holder = (holders.size + 1) as Holder;
      holders.set(endpoint, holder);
      parts.set(holder, { byKey: new Map(), copiesOfChain: new Map() });
      return holder;
    },
    removeHolder: (holder) => {
      parts.delete(holder);
    },
    store,
    remove,
    clear: (holder) => {
      const { byKey, copiesOfChain } = partOf(holder);
      const held = copiesOfChain.size;
      byKey.clear();
      copiesOfChain.clear();
      return held;
    },
    cachedTokens: (endpoint, { tokenIds, blockSize, loraName = null, salt = null }) => {
      const { copiesOfChain } = partOfEndpoint(endpoint);
      const usable = Math.floor((tokenIds.length - 1) / blockSize);
      let chain = '';
      for (let block = 0; block < usable; block += 1) {
        const tokens = tokenIds.slice(block * blockSize, (block + 1) * blockSize);
        chain = chainOf(chain, tokens, loraName, block === 0 && salt !== null ? [salt] : []);
        if (!copiesOfChain.has(chain)) return block * blockSize;
      }
      return usable * blockSize;
    },
    contents: (endpoint) => partOfEndpoint(endpoint).copiesOfChain,
    save: (endpoint) => [...partOfEndpoint(endpoint).byKey].map(([key, { chain, copies }]) => ({ key, chain, copies })),
    *restore(holder, saved) {
      const { byKey, copiesOfChain } = partOf(holder);
      const half = Math.floor(saved.length / 2);
      for (const part of [saved.slice(0, half), saved.slice(half)]) {
        yield;
        for (const { key, chain, copies } of part) {
          byKey.set(key, { chain, copies });
          copiesOfChain.set(chain, (copiesOfChain.get(chain) ?? 0) + copies);
        }
      }
      yield;
    },
  };
};
