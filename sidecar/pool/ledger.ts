import type { Clock, EndpointId, Metrics, PoolName } from '../core/index.ts';
import { LinkedQueue, type QueueLinks } from './linked-queue.ts';
import type { InFlightWork } from './snapshot.ts';
import { type BookedWork, type Booking, createWorkTally, type WorkTally } from './work-tally.ts';

/** How a request ended. `failed`: the endpoint broke or refused it; `aborted`: the client went away. */
type RequestOutcome = 'completed' | 'failed' | 'aborted';

/** A request in flight. Each call is idempotent, and none does anything after the end. */
export interface LedgerEntry {
  /** The engine produced its first token: nothing of the prompt remains to be computed. */
  firstToken(): void;
  /** The engine holds that many tokens of the prompt, from its beginning; what remains to be computed shrinks to fit. */
  progress(coveredTokens: number): void;
  /** The request is over. */
  end(outcome?: RequestOutcome): void;
}

/** What a decision books. */
export interface LedgerBooking extends BookedWork {
  /** Called once when the request no longer awaits its first token, by whatever cause; its promises may end then. */
  readonly onPrefillOver?: () => void;
}

/** Requests in flight whose responses are seen. */
export interface Ledger {
  /** Books a request at the moment of its decision. */
  book(booking: LedgerBooking): LedgerEntry;
  /** Work in flight on one endpoint, other ledgers of the same tally included. O(1). */
  work(endpointId: EndpointId): InFlightWork;
}

/** What a ledger works with. */
export interface LedgerOptions {
  readonly clock: Clock;
  readonly pool: PoolName;
  readonly metrics: Metrics;
  /** Sums to keep; shared where an inferred ledger stands beside. Default: its own. */
  readonly tally?: WorkTally;
  /** Age at which an entry that nobody ended is dropped and counted: a leak, or a response of that length. */
  readonly maxAgeMs?: number;
}

interface OpenEntry extends QueueLinks<OpenEntry> {
  readonly booking: Booking;
  readonly bookedAtMs: number;
  readonly onPrefillOver: () => void;
}

const HOUR_MS = 3_600_000;

/** Creates a ledger without entries. Entries are dropped at their greatest age; one timer waits for the oldest's. */
export const createLedger = (options: LedgerOptions): Ledger => {
  const { clock, pool, metrics, tally = createWorkTally(), maxAgeMs = HOUR_MS } = options;
  const open = new LinkedQueue<OpenEntry>();
  let isWaiting = false;

  const firstToken = ({ booking, onPrefillOver }: OpenEntry): void => {
    if (booking.firstToken()) onPrefillOver();
  };

  const end = (entry: OpenEntry, reason: RequestOutcome | 'expired'): void => {
    firstToken(entry);
    if (!entry.booking.end()) return;
    open.remove(entry);
    metrics.count('ledger_ends_total', { pool, ledger: 'observed', reason });
  };

  const dropExpired = (): void => {
    isWaiting = false;
    const youngestMs = clock.now() - maxAgeMs;
    for (let entry = open.oldest; entry !== null && entry.bookedAtMs <= youngestMs; entry = open.oldest) {
      end(entry, 'expired');
    }
    waitForOldest();
  };

  const waitForOldest = (): void => {
    if (isWaiting || open.oldest === null) return;
    isWaiting = true;
    clock.schedule(open.oldest.bookedAtMs + maxAgeMs - clock.now(), dropExpired);
  };

  return {
    book: ({ onPrefillOver = () => {}, ...work }) => {
      const entry: OpenEntry = {
        booking: tally.book(work),
        bookedAtMs: clock.now(),
        onPrefillOver,
        older: null,
        newer: null,
      };
      open.push(entry);
      waitForOldest();
      return {
        firstToken: () => firstToken(entry),
        progress: (coveredTokens) => entry.booking.cover(coveredTokens),
        end: (outcome = 'completed') => end(entry, outcome),
      };
    },
    work: (endpointId) => tally.work(endpointId),
  };
};
