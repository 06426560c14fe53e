import { SidecarError } from '../core/index.ts';
import type { BlockKeys } from './block-keys.ts';
import type { Holder } from './port.ts';
import { RecentChains } from './recent-chains.ts';

/**
 * What own decisions sent where: the approximate view, for endpoints whose events cannot be relied on. Holder numbers
 * are those of the prefix index.
 */
export interface RoutingHistory {
  /** Notes that a prompt was sent to a holder. O(blocks), at most `maxBlocksPerHolder` of them. */
  record(holder: Holder, keys: BlockKeys): void;
  /**
   * Writes, for each holder number below `into.length`, the blocks from block 0 of `keys` that were sent to it and are
   * remembered; 0 for others. O(holders + their pieces of the prompt).
   */
  match(keys: BlockKeys, into: Int32Array): void;
  /** Forgets a holder, as when its cache is cleared or it is gone. */
  forget(holder: Holder): void;
  /** Bytes of typed arrays. */
  readonly bytes: number;
}

/** Options of {@link createRoutingHistory}. */
interface RoutingHistoryOptions {
  /**
   * Blocks remembered of each holder, least recently sent forgotten first; 1 to 16 million. Default 31,250: half a
   * million tokens in blocks of 16, about what an 80 GB accelerator keeps of a model with 7 billion parameters.
   */
  readonly maxBlocksPerHolder?: number;
}

const DEFAULT_MAX_BLOCKS = 31_250;
const LARGEST_MAX_BLOCKS = 16_000_000;

/** An empty routing history. Throws `invalid-argument` for a number of blocks outside its range. */
export const createRoutingHistory = (options: RoutingHistoryOptions = {}): RoutingHistory => {
  const { maxBlocksPerHolder = DEFAULT_MAX_BLOCKS } = options;
  if (!Number.isInteger(maxBlocksPerHolder) || maxBlocksPerHolder < 1 || maxBlocksPerHolder > LARGEST_MAX_BLOCKS) {
    throw new SidecarError('invalid-argument', `maxBlocksPerHolder must be from 1 to ${LARGEST_MAX_BLOCKS}`);
  }
  const recentByHolder = new Map<Holder, RecentChains>();
  return {
    record: (holder, keys) => {
      let recent = recentByHolder.get(holder);
      if (recent === undefined) {
        recent = new RecentChains(maxBlocksPerHolder);
        recentByHolder.set(holder, recent);
      }
      recent.use(keys);
    },
    match: (keys, into) => {
      into.fill(0);
      for (const [holder, recent] of recentByHolder) {
        if (holder < into.length) into[holder] = recent.knownKeys(keys);
      }
    },
    forget: (holder) => {
      recentByHolder.delete(holder);
    },
    get bytes() {
      let bytes = 0;
      for (const recent of recentByHolder.values()) bytes += recent.bytes;
      return bytes;
    },
  };
};
