import { type Clock, type Logger, SidecarError } from '../../core/index.ts';
import type { Decision, RoutedDecision, RouteRequest, Router } from '../../routing/index.ts';
import { stackFrames } from '../error-response.ts';
import { isOwnedHeader } from '../owned-headers.ts';
import {
  bodyModes,
  type HttpBody,
  type HttpHeaders,
  type ProcessingRequest,
  type ProcessingResponse,
  readHeader,
} from './messages.ts';
import { echoPieces, immediateReply, type RoutedReply, routedReply, servedReply } from './replies.ts';
import { createResponsePhase, type ResponsePhase } from './response-phase.ts';
import { readServedEndpoint, readSubsetHint } from './subset-hint.ts';

/** What one exchange works with. */
export interface ExchangeOptions {
  readonly router: Router;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Longest time from the request's headers to a decision; past it the best answer that is known so far. */
  readonly decisionTimeoutMs: number;
  /** Body bytes kept for the decision; what comes beyond only passes. */
  readonly bodyLimitBytes: number;
  /** Whether fallback endpoints follow the pick in a comma list. */
  readonly picksList: boolean;
  /** Whether the stream is ended once the request is through, so that the response is never sent here. */
  readonly endsAfterRequest: boolean;
  /** Sends one reply; replies leave in the order they were sent. */
  readonly send: (response: ProcessingResponse) => void;
  /** Ends the stream with status OK. */
  readonly end: () => void;
  /** Told once how the request ended for routing: the pool that serves it, or why none does. */
  readonly onDecision: (decision: Decision) => void;
}

/** One HTTP request and its response, as an external processor sees them: the other side of one gRPC stream. */
export interface Exchange {
  onMessage(message: ProcessingRequest): void;
  /** The data plane sends nothing more: a clean end, or a client that went away. */
  onHalfClose(): void;
  /** The stream is gone. The normal end of a finished exchange is a cancellation. */
  onClose(): void;
}

/**
 * How replies to the request's messages must look, by the data plane's body mode:
 * - `duplex`: the headers' reply waits for the decision, then every piece is echoed (FULL_DUPLEX_STREAMED, and data planes
 *   that announce no mode);
 * - `buffered`: headers are answered at once, the decision goes into the reply to the one body message;
 * - `streamed`: one empty reply a body message; the decision can wait for the body only where the data plane sends it
 *   without waiting for the headers' reply;
 * - `none`: headers only.
 */
type RequestMode = 'duplex' | 'buffered' | 'streamed' | 'streamed-ahead' | 'none';

const requestModeOf = (message: ProcessingRequest): RequestMode => {
  const config = message.protocol_config;
  if (config === undefined || config === null) return 'duplex';
  switch (config.request_body_mode ?? bodyModes.none) {
    case bodyModes.none:
      return 'none';
    case bodyModes.buffered:
    case bodyModes.bufferedPartial:
      return 'buffered';
    case bodyModes.streamed:
      return config.send_body_without_waiting_for_header_response === true ? 'streamed-ahead' : 'streamed';
    default:
      return 'duplex';
  }
};

/** Where the request half of an exchange stands. */
type RequestState =
  | { readonly kind: 'awaiting-headers' }
  | { readonly kind: 'collecting'; readonly mode: RequestMode }
  | { readonly kind: 'passing'; readonly mode: RequestMode }
  | { readonly kind: 'over' };

const pathHeaders = [':path', 'x-original-path', 'x-forwarded-path'] as const;

/** Creates the state machine of one exchange. All of its calls are synchronous but a decision that waits for a remote tokenizer. */
export const createExchange = (options: ExchangeOptions): Exchange => {
  const { router, clock, send } = options;
  let state: RequestState = { kind: 'awaiting-headers' };
  let headers: HttpHeaders | null = null;
  let subset: readonly string[] | null = null;
  let responseBodyMode: number | null = null;
  let collected: Buffer[] = [];
  let collectedBytes = 0;
  let bodyBytes = 0;
  let isBodyEnded = false;
  let hasTrailers = false;
  let hasHalfClosed = false;
  let isClosed = false;
  let isDeciding = false;
  let cancelDeadline = (): void => {};
  let routed: RoutedDecision | null = null;
  let response: ResponsePhase | null = null;

  const headerOf = (name: string): string | undefined => (isOwnedHeader(name) ? undefined : readHeader(headers, name));

  const routeRequest = (options: { readonly withBody: boolean }): RouteRequest => {
    const declared = Number(headerOf('content-length'));
    const isWhole = isBodyEnded && collectedBytes === bodyBytes;
    const path = pathHeaders.map((name) => headerOf(name)).find((value) => value !== undefined);
    return {
      method: headerOf(':method') ?? 'POST',
      path: path ?? null,
      header: headerOf,
      body: options.withBody && collectedBytes > 0 ? Buffer.concat(collected) : null,
      isBodyComplete: isWhole,
      ...(Number.isSafeInteger(declared) && declared > 0
        ? { wholeBodyBytes: declared }
        : isWhole
          ? { wholeBodyBytes: bodyBytes }
          : {}),
      subset,
      excluded: null,
      observesResponse: (responseBodyMode ?? bodyModes.none) !== bodyModes.none && !optionsEndsAfterRequest,
    };
  };
  const optionsEndsAfterRequest = options.endsAfterRequest;

  /** Everything kept so far goes out again, byte for byte. */
  const echoCollected = (): void => {
    const pieces = collected;
    collected = [];
    for (const [position, piece] of pieces.entries()) {
      const isLast = position === pieces.length - 1;
      echo(piece, isLast && isBodyEnded && !hasTrailers);
    }
    if (pieces.length === 0 && isBodyEnded && !hasTrailers && bodyMessages > 0) echo(Buffer.alloc(0), true);
  };
  let bodyMessages = 0;

  const echo = (body: Uint8Array, isEnd: boolean): void => {
    for (const body_mutation of echoPieces(body, isEnd)) send({ request_body: { response: { body_mutation } } });
  };

  const finishRequest = (): void => {
    if (!isBodyEnded && !hasTrailers) return;
    state = { kind: 'over' };
    if (hasTrailers) send({ request_trailers: {} });
    if (options.endsAfterRequest || hasHalfClosed) options.end();
  };

  const sendRouted = (mode: RequestMode, reply: RoutedReply): void => {
    const { response: common, metadata } = reply;
    switch (mode) {
      case 'buffered':
        send({ request_body: { response: common }, dynamic_metadata: metadata });
        collected = [];
        break;
      case 'streamed-ahead':
        send({ request_headers: { response: common }, dynamic_metadata: metadata });
        for (let count = 0; count < bodyMessages; count += 1) send({ request_body: { response: {} } });
        collected = [];
        break;
      case 'duplex':
        send({ request_headers: { response: common }, dynamic_metadata: metadata });
        echoCollected();
        break;
      case 'streamed':
      case 'none':
        send({ request_headers: { response: common }, dynamic_metadata: metadata });
        break;
    }
  };

  const settle = (mode: RequestMode, decision: Decision): void => {
    cancelDeadline();
    if (isClosed) {
      if (decision.kind === 'routed') decision.ticket.failed('client-abort');
      return;
    }
    options.onDecision(decision);
    if (decision.kind !== 'routed') {
      state = { kind: 'over' };
      collected = [];
      send(immediateReply(decision.kind === 'refused' ? 'saturated' : 'no-endpoint', { decision }));
      options.end();
      return;
    }
    routed = decision;
    state = { kind: 'passing', mode };
    sendRouted(mode, routedReply(decision, { requestHeaders: headers, picksList: options.picksList }));
    finishRequest();
  };

  const fail = (failure: unknown): void => {
    cancelDeadline();
    const error = SidecarError.from(failure, 'internal');
    options.logger.error('request failed', { code: error.code, stack: stackFrames(failure) });
    if (isClosed || state.kind === 'over') return;
    state = { kind: 'over' };
    send(immediateReply('internal'));
    options.end();
  };

  const decide = (mode: RequestMode, request: RouteRequest): void => {
    if (isDeciding || routed !== null) return;
    isDeciding = true;
    try {
      const decision = router.route(request);
      if (!(decision instanceof Promise)) return settle(mode, decision);
      decision.then((late) => {
        // The deadline may have decided without the tokens meanwhile.
        if (routed === null) settle(mode, late);
        else if (late.kind === 'routed') late.ticket.failed('client-abort');
      }, fail);
    } catch (failure) {
      fail(failure);
    }
  };

  const onDeadline = (mode: RequestMode): void => {
    if (routed !== null || isClosed || state.kind !== 'collecting') return;
    if (mode === 'buffered' && bodyMessages === 0) return;
    const withBody = !isDeciding;
    isDeciding = false;
    decide(mode, routeRequest({ withBody }));
  };

  const onRequestHeaders = (message: ProcessingRequest, received: HttpHeaders): void => {
    const mode = requestModeOf(message);
    headers = received;
    subset = readSubsetHint(message);
    responseBodyMode = message.protocol_config?.response_body_mode ?? null;
    isBodyEnded = received.end_of_stream === true;
    state = { kind: 'collecting', mode };
    if (isBodyEnded || mode === 'none' || mode === 'streamed')
      return decide(isBodyEnded ? 'none' : mode, routeRequest({ withBody: false }));
    if (mode === 'buffered') send({ request_headers: { response: {} } });
    cancelDeadline = clock.schedule(options.decisionTimeoutMs, () => onDeadline(mode));
  };

  const collect = ({ body }: HttpBody): void => {
    if (body === undefined || body.length === 0) return;
    bodyBytes += body.length;
    collected.push(body);
    if (collectedBytes + body.length <= options.bodyLimitBytes) collectedBytes += body.length;
    else collectedBytes = Math.max(collectedBytes, 0);
  };

  const onRequestBody = (body: HttpBody): void => {
    if (state.kind === 'over' || state.kind === 'awaiting-headers') return;
    // Some Envoy versions send a second end of stream for large bodies.
    if (isBodyEnded) return;
    bodyMessages += 1;
    const isEnd = body.end_of_stream === true;
    isBodyEnded = isEnd;
    if (state.kind === 'collecting') {
      collect(body);
      // In buffered modes the one message is all that comes, cut off or not.
      if (isEnd || state.mode === 'buffered') decide(state.mode, routeRequest({ withBody: true }));
      return;
    }
    if (state.mode === 'duplex') echo(body.body ?? Buffer.alloc(0), isEnd);
    else send({ request_body: { response: {} } });
    if (isEnd) finishRequest();
  };

  const onRequestTrailers = (): void => {
    if (state.kind === 'over' || state.kind === 'awaiting-headers') return;
    hasTrailers = true;
    isBodyEnded = true;
    if (state.kind === 'collecting') decide(state.mode, routeRequest({ withBody: true }));
    else finishRequest();
  };

  const onResponseMessage = (message: ProcessingRequest): void => {
    if (response === null) {
      const decision = routed;
      response = createResponsePhase({
        ticket: decision?.ticket ?? null,
        isFullDuplex: responseBodyMode === bodyModes.fullDuplexStreamed,
        headersReply: decision === null ? {} : servedReply(decision, readServedEndpoint(message)),
        send,
      });
    }
    response.onMessage(message);
  };

  return {
    onMessage: (message) => {
      if (message.request_headers) onRequestHeaders(message, message.request_headers);
      else if (message.request_body) onRequestBody(message.request_body);
      else if (message.request_trailers) onRequestTrailers();
      else if (message.response_headers || message.response_body || message.response_trailers)
        onResponseMessage(message);
    },
    onHalfClose: () => {
      hasHalfClosed = true;
      if (state.kind === 'collecting' && isDeciding) return;
      options.end();
    },
    onClose: () => {
      if (isClosed) return;
      isClosed = true;
      cancelDeadline();
      collected = [];
      if (response !== null) response.onClose();
      else if (
        routed !== null &&
        (responseBodyMode ?? bodyModes.none) !== bodyModes.none &&
        !options.endsAfterRequest
      ) {
        routed.ticket.failed('client-abort');
      }
    },
  };
};
