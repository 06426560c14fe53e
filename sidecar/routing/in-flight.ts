import type { Clock, EndpointId } from '../core/index.ts';
import type { BlockKeys, Holder, PrefixIndexReader, SpeculativeIndex } from '../kvindex/index.ts';
import type { InFlightWork, Ledger, LedgerEntry } from '../pool/index.ts';

/** What a decision books on its pick. */
export interface Booking {
  readonly endpoint: EndpointId;
  readonly holder: Holder | null;
  readonly promptTokens: number;
  readonly uncachedTokens: number;
  /** Keys of the prompt's full blocks under the pick's block size, one entry a sequence; empty where unknown. */
  readonly keys: readonly BlockKeys[];
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

/** Requests in flight of one pool: the ledger's sums and the speculative entries, moved on by what engines store. */
export interface InFlight {
  /** Blocks that bookings promise and events have not confirmed yet. */
  readonly speculativeView: Pick<SpeculativeIndex, 'match'>;
  book(booking: Booking): BookedRequest;
  work(endpoint: EndpointId): InFlightWork;
  /** Says that events of an endpoint were applied; its bookings are looked at before the next decision. */
  markApplied(endpoint: EndpointId): void;
  /** Moves bookings on by the blocks that the index holds by now. Called before each decision. */
  advance(): void;
  /** Ends every booking of an endpoint that is gone or restarted. */
  drop(endpoint: EndpointId): void;
}

interface OpenBooking {
  readonly booking: Booking;
  readonly entry: LedgerEntry;
  /** Blocks of each sequence seen in the index, in order from block 0. */
  readonly coveredBlocks: number[];
  readonly release: () => void;
  isSpeculative: boolean;
}

/**
 * Creates the in-flight book of one pool. A speculative entry ends when every block of its prompt is in the index, or
 * `confirmMs` after the first token, or when its request fails.
 */
export const createInFlight = (options: {
  readonly index: PrefixIndexReader;
  readonly speculative: SpeculativeIndex;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly confirmMs?: number;
}): InFlight => {
  const { index, speculative, ledger, clock, confirmMs = 1000 } = options;
  const openByEndpoint = new Map<EndpointId, Set<OpenBooking>>();
  const applied = new Set<EndpointId>();

  const openOf = (endpoint: EndpointId): Set<OpenBooking> => {
    const open = openByEndpoint.get(endpoint) ?? new Set();
    openByEndpoint.set(endpoint, open);
    return open;
  };

  const endSpeculation = (open: OpenBooking): void => {
    if (!open.isSpeculative) return;
    open.isSpeculative = false;
    open.release();
    openByEndpoint.get(open.booking.endpoint)?.delete(open);
  };

  /** Moves one booking on; true when events say all there is to say: every block is held, or one was taken away again. */
  const cover = (open: OpenBooking, holder: Holder): boolean => {
    let coveredTokens = 0;
    let isComplete = true;
    for (const [position, keys] of open.booking.keys.entries()) {
      let covered = open.coveredBlocks[position] ?? 0;
      if (covered > 0 && !index.holds(holder, keys, covered - 1)) return true;
      while (covered < keys.count && index.holds(holder, keys, covered)) covered += 1;
      open.coveredBlocks[position] = covered;
      coveredTokens += covered * keys.blockSize;
      if (covered < keys.count) isComplete = false;
    }
    open.entry.progress(coveredTokens);
    return isComplete;
  };

  return {
    speculativeView: speculative,
    book: (booking) => {
      const { endpoint, holder, promptTokens, uncachedTokens, keys } = booking;
      const entry = ledger.book({ endpointId: endpoint, promptTokens, uncachedTokens });
      const handles = holder === null ? [] : keys.map((chain) => speculative.book(holder, chain));
      const open: OpenBooking = {
        booking,
        entry,
        coveredBlocks: keys.map(() => 0),
        release: () => {
          for (const handle of handles) speculative.release(handle);
        },
        isSpeculative: handles.length > 0,
      };
      if (open.isSpeculative) {
        openOf(endpoint).add(open);
        applied.add(endpoint);
      }
      let hasFirstToken = false;
      let hasEnded = false;
      const seeFirstToken = (): void => {
        if (hasFirstToken) return;
        hasFirstToken = true;
        entry.firstToken();
        if (open.isSpeculative) clock.schedule(confirmMs, () => endSpeculation(open));
      };
      return {
        firstToken: () => {
          if (!hasEnded) seeFirstToken();
        },
        finished: () => {
          if (hasEnded) return;
          seeFirstToken();
          hasEnded = true;
          entry.end();
        },
        failed: () => {
          if (hasEnded) return;
          hasEnded = true;
          entry.end();
          endSpeculation(open);
        },
      };
    },
    work: (endpoint) => ledger.work(endpoint),
    markApplied: (endpoint) => {
      if (openByEndpoint.has(endpoint)) applied.add(endpoint);
    },
    advance: () => {
      if (applied.size === 0) return;
      for (const endpoint of applied) {
        for (const open of openByEndpoint.get(endpoint) ?? []) {
          const { holder } = open.booking;
          if (holder !== null && cover(open, holder)) endSpeculation(open);
        }
      }
      applied.clear();
    },
    drop: (endpoint) => {
      for (const open of [...(openByEndpoint.get(endpoint) ?? [])]) endSpeculation(open);
      openByEndpoint.delete(endpoint);
    },
  };
};
