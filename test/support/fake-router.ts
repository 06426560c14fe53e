import { EventEmitter, once } from 'node:events';
import { decisionId, type Endpoint, endpointId, poolName } from '../../sidecar/core/index.ts';
import type {
  Decision,
  ObservedUsage,
  RoutedDecision,
  RouteFailure,
  RouteRequest,
  Router,
} from '../../sidecar/routing/index.ts';

/** What a ticket was told, in order. */
export type TicketEvent =
  | 'first-token'
  | { readonly finished: ObservedUsage | null }
  | { readonly failed: RouteFailure };

/** A router that answers from a list of endpoints and remembers what it was asked and told. */
export interface FakeRouter extends Router {
  /** Requests in order. */
  readonly requests: readonly RouteRequest[];
  /** One list of events a routed decision, in order of decision. */
  readonly tickets: readonly (readonly TicketEvent[])[];
  /** Tickets that were neither finished nor failed. */
  readonly openTickets: number;
  /** Resolves once no ticket is open (at once where none is). */
  closed(): Promise<void>;
  /** Resolves at the next call of `route`. */
  routed(): Promise<void>;
}

/** Fields of a routed decision that a test sets. */
type Overrides = Partial<Omit<RoutedDecision, 'kind'>>;

/** An endpoint of pool `qwen` at `address`. */
export const endpointAt = (address: string, overrides: Partial<Endpoint> = {}): Endpoint => ({
  id: endpointId(`qwen/${address}`),
  name: address,
  pool: poolName('qwen'),
  address,
  rank: 0,
  hasRanks: false,
  role: 'both',
  engine: 'vllm',
  eventsAddress: null,
  replayAddress: null,
  metricsUrl: null,
  ...overrides,
});

/**
 * Creates a router that picks the first of `endpoints` not excluded; `decide` replaces fields of the decision, or the
 * whole of it.
 */
export const createFakeRouter = (
  endpoints: readonly Endpoint[],
  decide: (request: RouteRequest) => Overrides | Exclude<Decision, RoutedDecision> = () => ({}),
): FakeRouter => {
  const requests: RouteRequest[] = [];
  const tickets: TicketEvent[][] = [];
  const changes = new EventEmitter();
  let openTickets = 0;

  const openTicket = (isCounted: boolean): RoutedDecision['ticket'] => {
    const events: TicketEvent[] = [];
    tickets.push(events);
    let hasEnded = false;
    if (isCounted) openTickets += 1;
    const end = (event: TicketEvent): void => {
      events.push(event);
      if (hasEnded) return;
      hasEnded = true;
      openTickets -= 1;
      if (openTickets === 0) changes.emit('closed');
    };
    return {
      firstToken: () => void events.push('first-token'),
      finished: (usage) => end({ finished: usage }),
      failed: (cause) => end({ failed: cause }),
    };
  };

  return {
    requests,
    tickets,
    get openTickets() {
      return openTickets;
    },
    closed: async () => {
      if (openTickets > 0) await once(changes, 'closed');
    },
    routed: async () => void (await once(changes, 'routed')),
    route: (request) => {
      requests.push(request);
      const decided = decide(request);
      const id = decisionId(`d-${requests.length}`);
      queueMicrotask(() => changes.emit('routed'));
      if ('kind' in decided) return decided;
      const eligible = endpoints.filter((endpoint) => request.excluded?.has(endpoint.id) !== true);
      const [endpoint, ...fallbacks] = eligible;
      if (endpoint === undefined) return { kind: 'no-endpoint', id, pool: poolName('qwen') };
      return {
        kind: 'routed',
        id,
        pool: endpoint.pool,
        endpoint,
        rankHeader: endpoint.hasRanks ? endpoint.rank : null,
        reason: 'prefix',
        promptTokens: 40,
        cachedTokens: 32,
        fallbacks,
        ...decided,
        ticket: openTicket(request.observesResponse),
      };
    },
  };
};

/** One decision that can be given again and again, with a ticket that does nothing. */
export const routedTo = (address: string): RoutedDecision => {
  const endpoint = endpointAt(address);
  return {
    kind: 'routed',
    id: decisionId('d-1'),
    pool: endpoint.pool,
    endpoint,
    rankHeader: null,
    reason: 'prefix',
    promptTokens: 40,
    cachedTokens: 32,
    fallbacks: [],
    ticket: { firstToken: () => {}, finished: () => {}, failed: () => {} },
  };
};
