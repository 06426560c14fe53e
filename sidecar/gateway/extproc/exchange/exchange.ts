import type { Decision, RoutedDecision } from '../../../routing/index.ts';
import type { ExchangeWire } from './exchange-wire.ts';
import type { BodyMode, MessageContext, ProcessorMessage } from './messages.ts';
import { type RequestListener, RequestPhase, type RequestSettings } from './request-phase.ts';
import { type ResponseListener, ResponsePhase } from './response-phase.ts';

/** What one exchange tells as it goes. */
export interface ExchangeObserver {
  /** Null: routing failed, which is a bug. */
  decided(decision: Decision | null): void;
  firstToken(decision: RoutedDecision): void;
  /** The data plane went away before the response that was to be observed had ended. */
  abandoned(decision: RoutedDecision): void;
}

/**
 * One HTTP request and its response, as an external processor sees them: the server's side of one stream. A state machine
 * with a request half and a response half.
 */
export class Exchange implements RequestListener, ResponseListener {
  readonly #endsAfterRequest: boolean;
  readonly #wire: ExchangeWire;
  readonly #observer: ExchangeObserver;
  readonly #request: RequestPhase;
  #response: ResponsePhase | null = null;
  #routed: RoutedDecision | null = null;
  #responseBodyMode: BodyMode | null = null;
  #isRequestThrough = false;
  #isResponseOver = false;
  #hasHalfClosed = false;
  #isClosed = false;

  constructor(settings: RequestSettings, wire: ExchangeWire, observer: ExchangeObserver) {
    this.#endsAfterRequest = settings.endsAfterRequest;
    this.#wire = wire;
    this.#observer = observer;
    this.#request = new RequestPhase(settings, wire, this);
  }

  onMessage(message: ProcessorMessage, context: MessageContext): void {
    if (this.#isClosed) return;
    if (context.protocol !== null) this.#responseBodyMode ??= context.protocol.responseBodyMode;
    switch (message.kind) {
      case 'request-headers':
        this.#request.onHeaders(message.headers, message.isEnd, context);
        break;
      case 'request-body':
        this.#request.onBody(message.bytes, message.isEnd);
        break;
      case 'request-trailers':
        this.#request.onTrailers();
        break;
      case 'response-headers':
        this.#beginResponse().onHeaders(message.headers, message.isEnd, context);
        break;
      case 'response-body':
        this.#beginResponse().onBody(message.bytes, message.isEnd);
        break;
      case 'response-trailers':
        this.#beginResponse().onTrailers();
        break;
      case 'other':
        break;
    }
  }

  /** The data plane sends no more: the end of a request-only exchange, or a client that went away. */
  onHalfClose(): void {
    this.#hasHalfClosed = true;
    if (!this.#isClosed && !this.#request.onHalfClose()) this.#wire.end();
  }

  /** The stream is gone; for a finished exchange the usual end. Frees everything. Only the first call counts. */
  onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#request.onClose();
    const routed = this.#routed;
    if (routed === null || !this.#owesEnd()) return;
    routed.ticket.failed('client-abort');
    this.#observer.abandoned(routed);
  }

  /** Ends the stream if the request is through, so that its response goes on without the sidecar. */
  release(): void {
    if (this.#isRequestThrough) this.#wire.end();
  }

  onDecision(decision: Decision | null): void {
    if (decision?.kind === 'routed') this.#routed = decision;
    this.#observer.decided(decision);
  }

  onRequestOver(): void {
    this.#isRequestThrough = true;
    this.#endIfOver();
  }

  onFirstToken(): void {
    if (this.#routed !== null) this.#observer.firstToken(this.#routed);
  }

  onResponseOver(): void {
    this.#isResponseOver = true;
    this.#endIfOver();
  }

  #beginResponse(): ResponsePhase {
    const bodyMode = this.#responseBodyMode ?? 'full-duplex';
    this.#response ??= new ResponsePhase(this.#routed, bodyMode, this.#wire, this);
    return this.#response;
  }

  #endIfOver(): void {
    if (!this.#isRequestThrough) return;
    if (this.#endsAfterRequest || this.#isResponseOver || this.#hasHalfClosed) this.#wire.end();
  }

  /** Whether a response was to be seen: then the ticket is owed its end. */
  #owesEnd(): boolean {
    if (this.#isResponseOver) return false;
    return this.#response !== null || (!this.#endsAfterRequest && (this.#responseBodyMode ?? 'none') !== 'none');
  }
}
