import type { Clock, Logger } from '../../../core/index.ts';
import type { Decision, RoutedDecision, Router } from '../../../routing/index.ts';
import type { ExchangeWire } from './exchange-wire.ts';
import type { BodyMode, MessageContext, ProcessorMessage } from './messages.ts';
import { createRequestPhase } from './request-phase.ts';
import { createResponsePhase, type ResponsePhase } from './response-phase.ts';

/** What every exchange of a gateway shares. */
export interface ExchangeSettings {
  readonly router: Router;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly decisionTimeoutMs: number;
  readonly bodyLimitBytes: number;
  readonly picksList: boolean;
  /** Whether the stream is ended once the request is through, so that nothing of the response comes. */
  readonly endsAfterRequest: boolean;
}

/** What one exchange tells as it goes. */
export interface ExchangeObserver {
  /** Null: routing failed, which is a bug. */
  decided(decision: Decision | null): void;
  firstToken(decision: RoutedDecision): void;
  /** The data plane went away before the response that was to be observed had ended. */
  abandoned(decision: RoutedDecision): void;
}

/** One HTTP request and its response, as an external processor sees them: the server's side of one stream. */
export interface Exchange {
  onMessage(message: ProcessorMessage, context: MessageContext): void;
  /** The data plane sends no more: the end of a request-only exchange, or a client that went away. */
  onHalfClose(): void;
  /** The stream is gone; for a finished exchange the usual end. Frees everything. Only the first call counts. */
  onClose(): void;
  /** Ends the stream if the request is through, so that its response goes on without the sidecar. */
  release(): void;
}

/** Creates the state machine of one exchange: a request half and a response half on one stream. */
export const createExchange = (
  settings: ExchangeSettings,
  wire: ExchangeWire,
  observer: ExchangeObserver,
): Exchange => {
  const { endsAfterRequest } = settings;
  let routed: RoutedDecision | null = null;
  let responseBodyMode: BodyMode | null = null;
  let response: ResponsePhase | null = null;
  let isRequestThrough = false;
  let isResponseOver = false;
  let hasHalfClosed = false;
  let isClosed = false;

  const endIfOver = (): void => {
    if (isRequestThrough && (endsAfterRequest || isResponseOver || hasHalfClosed)) wire.end();
  };

  const request = createRequestPhase({
    ...settings,
    wire,
    send: wire.send,
    observesResponses: !endsAfterRequest,
    onDecision: (decision) => {
      if (decision?.kind === 'routed') routed = decision;
      observer.decided(decision);
    },
    onOver: () => {
      isRequestThrough = true;
      endIfOver();
    },
  });

  const beginResponse = (): ResponsePhase => {
    const decision = routed;
    return createResponsePhase({
      decision,
      bodyMode: responseBodyMode ?? 'full-duplex',
      send: wire.send,
      onFirstToken: () => {
        if (decision !== null) observer.firstToken(decision);
      },
      onOver: () => {
        isResponseOver = true;
        endIfOver();
      },
    });
  };

  const onMessage = (message: ProcessorMessage, context: MessageContext): void => {
    if (context.protocol !== null) responseBodyMode ??= context.protocol.responseBodyMode;
    switch (message.kind) {
      case 'request-headers':
        request.onHeaders(message.headers, message.isEnd, context);
        break;
      case 'request-body':
        request.onBody(message.bytes, message.isEnd);
        break;
      case 'request-trailers':
        request.onTrailers();
        break;
      case 'response-headers':
        response ??= beginResponse();
        response.onHeaders(message.headers, message.isEnd, context);
        break;
      case 'response-body':
        response ??= beginResponse();
        response.onBody(message.bytes, message.isEnd);
        break;
      case 'response-trailers':
        response ??= beginResponse();
        response.onTrailers();
        break;
      case 'other':
        break;
    }
  };

  /** Whether a response was to be seen: then the ticket is owed its end. */
  const owesEnd = (): boolean =>
    !isResponseOver && (response !== null || (!endsAfterRequest && (responseBodyMode ?? 'none') !== 'none'));

  return {
    onMessage: (message, context) => {
      if (!isClosed) onMessage(message, context);
    },
    onHalfClose: () => {
      hasHalfClosed = true;
      if (!isClosed && !request.onHalfClose()) wire.end();
    },
    onClose: () => {
      if (isClosed) return;
      isClosed = true;
      request.onClose();
      if (routed === null || !owesEnd()) return;
      routed.ticket.failed('client-abort');
      observer.abandoned(routed);
    },
    release: () => {
      if (isRequestThrough) wire.end();
    },
  };
};
