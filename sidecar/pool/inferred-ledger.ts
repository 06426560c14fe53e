import type { Clock, EndpointId, Metrics, PoolName } from '../core/index.ts';
import { type InferenceContext, InferredEndpoint } from './inferred-endpoint.ts';
import type { InferredRequest } from './inferred-entry.ts';
import type { LedgerBooking, LedgerEntry } from './ledger.ts';
import type { EndpointLoad, InFlightWork } from './snapshot.ts';
import type { WorkTally } from './work-tally.ts';

/** What a decision books whose response nobody will see. */
export interface InferredBooking extends LedgerBooking {
  /** Tokens in the prompt's full blocks, all sequences; null where its blocks are not known. */
  readonly fullBlockTokens: number | null;
  /** Of them, tokens that the endpoint's own events say it holds at the decision. */
  readonly coveredTokens: number;
}

/** A request in flight that nobody reports on; what is known all the same may be told. */
export interface InferredEntry extends LedgerEntry {
  /** The endpoint stored a block that continues this request, with that many generated tokens. */
  generated(tokens: number): void;
}

/**
 * Requests in flight whose responses are not seen, with first token and end inferred (docs/adr/0006):
 *
 * 1. A request awaits its first token until the endpoint's events show all full blocks of its prompt
 *    ({@link LedgerEntry.progress}); 0.1 s where they were all there at the decision.
 * 2. Each scrape bounds the requests in flight: its running and waiting, as far as they are this process's, and those
 *    decided since it was sent. What is over goes: the longest without a generated block where such blocks are seen, else
 *    the oldest.
 * 3. While there are no scrapes, a request is over after 32 decode steps (and two blocks' worth) without a block of its
 *    own; where no generated blocks are seen either, 10 s after its first token.
 * 4. Where events do not tell, the newest w requests await their first token, w by the engine's counters and those decided
 *    since the scrape; with no scrape either, those of the last second.
 */
export interface InferredLedger {
  /** Books a request at the moment of its decision; the order of calls is the order of decisions. */
  book(booking: InferredBooking): InferredEntry;
  /** Takes over a scrape of an endpoint, null where its load became unknown. */
  observeLoad(endpointId: EndpointId, load: EndpointLoad | null): void;
  /** Ends every request of an endpoint that is gone or was restarted, and forgets what was learned of it. */
  drop(endpointId: EndpointId): void;
  /** Work in flight on one endpoint, other ledgers of the same tally included. O(1). */
  work(endpointId: EndpointId): InFlightWork;
}

/** What an inferred ledger works with. */
export interface InferredLedgerOptions {
  readonly clock: Clock;
  readonly pool: PoolName;
  readonly metrics: Metrics;
  /** Sums to add to, shared with the ledger of observed requests. */
  readonly tally: WorkTally;
  /** Whether an endpoint's events arrive at present. */
  readonly seesEvents: InferenceContext['seesEvents'];
  /** `whole`, the default: every request reaches the endpoints through this process; `measured`: others send some too. */
  readonly share?: InferenceContext['share'];
  /** Age at which an entry is dropped whatever the rules say. */
  readonly maxAgeMs?: number;
}

const SWEEP_MS = 250;
const HALF_HOUR_MS = 1_800_000;

/** Creates an inferred ledger without entries. It wakes up four times a second while it has any. */
export const createInferredLedger = (options: InferredLedgerOptions): InferredLedger => {
  const { clock, pool, metrics, tally, seesEvents, share = 'whole', maxAgeMs = HALF_HOUR_MS } = options;
  const endpoints = new Map<EndpointId, InferredEndpoint>();
  const context: InferenceContext = {
    clock,
    tally,
    seesEvents,
    share,
    maxAgeMs,
    onEnd: (reason) => metrics.count('ledger_ends_total', { pool, ledger: 'inferred', reason }),
  };
  let isSweeping = false;

  const endpointOf = (id: EndpointId): InferredEndpoint => {
    let endpoint = endpoints.get(id);
    if (endpoint === undefined) {
      endpoint = new InferredEndpoint(id, context);
      endpoints.set(id, endpoint);
    }
    return endpoint;
  };

  const sweepLater = (): void => {
    if (isSweeping) return;
    isSweeping = true;
    clock.schedule(SWEEP_MS, () => {
      isSweeping = false;
      let open = 0;
      for (const endpoint of endpoints.values()) {
        endpoint.sweep();
        open += endpoint.size;
      }
      if (open > 0) sweepLater();
    });
  };

  return {
    book: ({ fullBlockTokens, coveredTokens, onPrefillOver = () => {}, ...work }) => {
      const nowMs = clock.now();
      const request: InferredRequest = {
        booking: tally.book(work),
        bookedAtMs: nowMs,
        fullBlockTokens,
        isCoveredFromStart: fullBlockTokens !== null && coveredTokens >= fullBlockTokens,
        onPrefillOver,
        lastSignAtMs: nowMs,
        generatedAtMs: null,
        cancelTimer: () => {},
        older: null,
        newer: null,
      };
      const endpoint = endpointOf(work.endpointId);
      endpoint.add(request);
      sweepLater();
      return {
        firstToken: () => endpoint.firstToken(request),
        progress: (covered) => endpoint.progress(request, covered),
        generated: (tokens) => endpoint.generated(request, tokens),
        end: () => endpoint.end(request, 'reported'),
      };
    },
    observeLoad: (endpointId, load) => endpointOf(endpointId).observeLoad(load),
    drop: (endpointId) => {
      endpoints.get(endpointId)?.endAll('dropped');
      endpoints.delete(endpointId);
    },
    work: (endpointId) => tally.work(endpointId),
  };
};
