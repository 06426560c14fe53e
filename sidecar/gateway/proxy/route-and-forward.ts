import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EndpointId, Logger, Metrics } from '../../core/index.ts';
import type { RoutedDecision, RouteRequest, Router } from '../../routing/index.ts';
import { decisionHeaders } from '../decision-headers.ts';
import { sendError } from '../error-response.ts';
import { endpointHeader, removeOwnedHeaders } from '../owned-headers.ts';
import type { ObservedRequest } from '../request-metrics.ts';
import { withTokenIds } from '../token-ids.ts';
import { answerUnrouted } from '../unrouted-response.ts';
import type { AttemptOutcome, Forwarder } from './attempt.ts';
import { endToEndHeaders } from './hop-headers.ts';
import { observeResponse, type ResponseObserver } from './response-observer.ts';

/** A request that was read whole and freed of what is not to be sent on. */
export interface ReadyRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Bytes to send on. */
  readonly body: Uint8Array | null;
  /** What routing is told. */
  readonly route: RouteRequest;
  readonly observed: ObservedRequest;
}

type Failure = Extract<AttemptOutcome, { kind: 'unreachable' | 'broken' }>;

/** An engine that answers with an error status has computed no prompt. */
const ticketObserver = (
  { ticket, pool }: RoutedDecision,
  httpStatus: number,
  observed: ObservedRequest,
): ResponseObserver => {
  const isSuccess = httpStatus < 400;
  return {
    firstToken: () => {
      if (!isSuccess) return;
      ticket.firstToken();
      observed.firstToken(pool);
    },
    ended: (usage) => {
      observed.ended('answered', pool);
      if (isSuccess) ticket.finished(usage);
      else ticket.failed('error-status');
    },
    broken: (by) => {
      observed.ended(by === 'client' ? 'client-abort' : 'upstream-failed', pool);
      ticket.failed(by === 'client' ? 'client-abort' : 'upstream');
    },
  };
};

const beginResponse = (upstream: IncomingMessage, ready: ReadyRequest, decision: RoutedDecision): void => {
  const { response, observed } = ready;
  removeOwnedHeaders(upstream.headers);
  upstream.headers = endToEndHeaders(upstream.headers);
  if (!response.shouldKeepAlive) upstream.headers.connection = 'close';
  response.setHeader(endpointHeader, decision.endpoint.address);
  for (const [name, value] of Object.entries(decisionHeaders(decision))) response.setHeader(name, value);
  observeResponse(upstream, response, ticketObserver(decision, upstream.statusCode ?? 502, observed));
};

/** The client's bytes; with the prompt's token ids where the engine is to be given them and the body is not compressed. */
const outgoingBody = ({ body, route }: ReadyRequest, decision: RoutedDecision): Uint8Array | null => {
  const handed = body === null || route.body !== body ? null : (decision.takeTokenIds?.() ?? null);
  return body === null || handed === null ? body : (withTokenIds(body, handed) ?? body);
};

const excludeFailed = (excluded: Set<EndpointId>, decision: RoutedDecision, failure: Failure): void => {
  excluded.add(decision.endpoint.id);
  if (failure.kind === 'broken') return;
  for (const { id, address } of decision.fallbacks) if (address === decision.endpoint.address) excluded.add(id);
};

/** Nothing listens there: as good as an endpoint that was known not to be ready. */
const isRefused = ({ kind, cause }: Failure): boolean => kind === 'unreachable' && cause !== 'ETIMEDOUT';

/**
 * Routes a request and sends it on. Where an endpoint fails before its answer began, the request is routed again without
 * it, at most `maxAttempts` times in all. Where none is left then, the answer is 503 if nothing could be connected to, and
 * else the last failure: 502, or 504 where a connection timed out.
 */
export const createRouteAndForward =
  (options: {
    readonly router: Router;
    readonly forwarder: Forwarder;
    readonly maxAttempts: number;
    readonly logger: Logger;
    readonly metrics: Metrics;
  }): ((ready: ReadyRequest) => Promise<void>) =>
  async (ready) => {
    const { router, forwarder, logger, metrics, maxAttempts } = options;
    const { request, response, body, route, observed } = ready;
    const excluded = new Set<EndpointId>();
    let last: { readonly decision: RoutedDecision; readonly failure: Failure } | null = null;
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const decision = await router.route(last === null ? route : { ...route, excluded });
      if (decision.kind !== 'routed') {
        if (last !== null && !isRefused(last.failure)) break;
        observed.ended(decision.kind, decision.pool ?? '');
        return answerUnrouted(response, decision, logger);
      }
      const { endpoint, pool, ticket, rankHeader } = decision;
      if (response.destroyed) return ticket.failed('client-abort');
      const outgoing = outgoingBody(ready, decision);
      const headers: Record<string, string> = {};
      if (rankHeader !== null) headers['x-data-parallel-rank'] = String(rankHeader);
      if (outgoing !== body) headers['content-length'] = String(outgoing?.length ?? 0);
      const outcome = await forwarder.forward({
        request,
        response,
        address: endpoint.address,
        body: outgoing,
        headers,
        onResponse: (upstream) => beginResponse(upstream, ready, decision),
      });
      if (outcome.kind === 'answered') return;
      if (outcome.kind === 'client-gone') return ticket.failed('client-abort');
      ticket.failed(outcome.kind === 'unreachable' ? 'connect' : 'upstream');
      metrics.count('upstream_failures_total', { pool, kind: outcome.kind });
      logger.warn('endpoint failed', { endpoint: endpoint.id, decision: decision.id, attempt, cause: outcome.cause });
      excludeFailed(excluded, decision, outcome);
      last = { decision, failure: outcome };
    }
    if (last === null) return;
    const code = last.failure.cause === 'ETIMEDOUT' ? 'upstream-timeout' : 'upstream-failed';
    observed.ended(code, last.decision.pool);
    sendError(response, { code, decision: last.decision.id });
  };
