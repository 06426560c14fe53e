import type { Clock, EndpointId } from '../core/index.ts';
import {
  type BlockKeys,
  createSpeculativeIndex,
  type Holder,
  type PrefixIndexReader,
  type SpeculativeIndex,
} from '../kvindex/index.ts';
import type { InFlightWork, InferredLedger, Ledger, LedgerEntry } from '../pool/index.ts';

/** What a decision books on its pick. */
export interface Booking {
  readonly endpoint: EndpointId;
  readonly holder: Holder;
  readonly promptTokens: number;
  readonly uncachedTokens: number;
  /** Keys of the prompt's full blocks under the pick's block size, one entry a sequence; empty where unknown. */
  readonly keys: readonly BlockKeys[];
  /** Blocks of each sequence that the index holds on the pick at this moment, in order from block 0; at least 0. */
  readonly heldBlocks: readonly number[];
  /** Whether the edge will report first token and end; else both are inferred. */
  readonly observesResponse: boolean;
}

/** A booking's life as its edge reports it; each call after the end does nothing. */
export interface BookedRequest {
  firstToken(): void;
  finished(): void;
  /** Speculative entries never outlive a failed request. */
  failed(): void;
}

/** Requests in flight of one pool: the ledgers' sums and the speculative entries, moved on by what engines store. */
export interface InFlight {
  /** Blocks that bookings promise and events have not confirmed yet. */
  readonly speculativeView: Pick<SpeculativeIndex, 'match'>;
  book(booking: Booking): BookedRequest;
  work(endpoint: EndpointId): InFlightWork;
  /** Says that events of an endpoint were applied; its bookings are looked at before the next decision. */
  markApplied(endpoint: EndpointId): void;
  /** Moves bookings on by the blocks that the index holds by now. Called before each decision. */
  advance(): void;
  /** The endpoint's cache was emptied: whatever was promised of it is void, its requests go on. */
  forgetPromises(endpoint: EndpointId): void;
}

/** One booking whose blocks events have not confirmed yet. */
interface Promised {
  readonly booking: Booking;
  /** Null until it is booked in a ledger. */
  entry: LedgerEntry | null;
  /** Blocks of each sequence seen in the index, in order from block 0. */
  readonly coveredBlocks: number[];
  readonly release: () => void;
}

/**
 * Creates the in-flight book of one pool. A promise ends when every block of its prompt is in the index, when the last of those
 * there is taken away again, `confirmMs` after the first token, or when its request fails.
 */
export const createInFlight = (options: {
  readonly index: PrefixIndexReader;
  readonly ledger: Ledger;
  readonly inferredLedger: InferredLedger;
  readonly clock: Clock;
  readonly confirmMs?: number;
}): InFlight => {
  const { index, ledger, inferredLedger, clock, confirmMs = 1000 } = options;
  const speculative = createSpeculativeIndex();
  const promises = new Map<EndpointId, Set<Promised>>();
  const applied = new Set<EndpointId>();

  const endPromise = (promised: Promised): void => {
    const { endpoint } = promised.booking;
    const open = promises.get(endpoint);
    if (open?.delete(promised) !== true) return;
    if (open.size === 0) promises.delete(endpoint);
    promised.release();
  };

  /** Whether every block is in the index; then events have said all there is to say. */
  const areCovered = ({ booking, coveredBlocks }: Promised): boolean =>
    booking.keys.every(({ count }, position) => (coveredBlocks[position] ?? 0) >= count);

  const coveredTokens = ({ booking, coveredBlocks }: Promised): number =>
    booking.keys.reduce((sum, { blockSize }, position) => sum + (coveredBlocks[position] ?? 0) * blockSize, 0);

  /** Moves one booking on; true where the last block that was seen before is gone. Engines evict a prompt's end first. */
  const cover = ({ booking, coveredBlocks }: Promised): boolean => {
    let isLastGone = false;
    for (const [position, chain] of booking.keys.entries()) {
      const covered = coveredBlocks[position] ?? 0;
      const held = index.heldUntil(booking.holder, chain, Math.max(0, covered - 1));
      if (held < covered) isLastGone = true;
      else coveredBlocks[position] = held;
    }
    return isLastGone;
  };

  const promise = (booking: Booking): Promised => {
    const { endpoint, holder, keys, heldBlocks } = booking;
    const handles = keys.map((chain) => speculative.book(holder, chain));
    const promised: Promised = {
      booking,
      entry: null,
      coveredBlocks: keys.map((_, position) => heldBlocks[position] ?? 0),
      release: () => {
        for (const handle of handles) speculative.release(handle);
      },
    };
    const open = promises.get(endpoint) ?? new Set();
    promises.set(endpoint, open.add(promised));
    return promised;
  };

  return {
    speculativeView: speculative,
    book: (booking) => {
      const { endpoint, promptTokens, uncachedTokens, keys } = booking;
      const promised = promise(booking);
      const work = {
        endpointId: endpoint,
        promptTokens,
        uncachedTokens,
        onPrefillOver: () => {
          clock.schedule(confirmMs, () => endPromise(promised));
        },
      };
      const fullBlockTokens = keys.reduce((sum, { count, blockSize }) => sum + count * blockSize, 0);
      const entry = booking.observesResponse
        ? ledger.book(work)
        : inferredLedger.book({
            ...work,
            fullBlockTokens: keys.length === 0 ? null : fullBlockTokens,
            coveredTokens: coveredTokens(promised),
          });
      promised.entry = entry;
      // Nothing is promised where nothing is missing; what is inferred still looks at the events to come.
      if (areCovered(promised) && (booking.observesResponse || keys.length === 0)) endPromise(promised);
      return {
        firstToken: entry.firstToken,
        finished: () => entry.end('completed'),
        failed: () => {
          endPromise(promised);
          entry.end('failed');
        },
      };
    },
    work: (endpoint) => ledger.work(endpoint),
    markApplied: (endpoint) => {
      if (promises.has(endpoint)) applied.add(endpoint);
    },
    advance: () => {
      if (applied.size === 0) return;
      for (const endpoint of applied) {
        for (const promised of promises.get(endpoint) ?? []) {
          const isLastGone = cover(promised);
          promised.entry?.progress(coveredTokens(promised));
          if (isLastGone || areCovered(promised)) endPromise(promised);
        }
      }
      applied.clear();
    },
    forgetPromises: (endpoint) => {
      for (const promised of promises.get(endpoint) ?? []) endPromise(promised);
    },
  };
};
