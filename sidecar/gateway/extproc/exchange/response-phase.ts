import type { RoutedDecision } from '../../../routing/index.ts';
import { eventStreamDetector, type FirstTokenDetector, firstByteDetector } from '../../first-token.ts';
import { UsageScanner } from '../../usage-scanner.ts';
import type { ExchangeWire } from './exchange-wire.ts';
import type { HeaderList } from './header-list.ts';
import type { BodyMode, MessageContext } from './messages.ts';
import { answerChange, sendPieces } from './replies.ts';

/** Whom the response half tells how it goes. */
export interface ResponseListener {
  /** The first generated content passed. */
  onFirstToken(): void;
  /** The response's end was answered. */
  onResponseOver(): void;
}

const isEventStream = (headers: HeaderList): boolean =>
  headers.get('content-type')?.startsWith('text/event-stream') === true &&
  headers.get('content-encoding') === undefined;

/**
 * Lets the engine's answer through unchanged, piece by piece, and reads first token and usage for the ticket. An answer
 * of another endpoint than the pick, as the data plane reports it, says nothing about the pick: its booking is released.
 */
export class ResponsePhase {
  readonly #decision: RoutedDecision | null;
  readonly #wire: ExchangeWire;
  readonly #listener: ResponseListener;
  readonly #scanner = new UsageScanner();
  // In the other modes, as with the request, bytes are let on by an empty reply.
  readonly #isFullDuplex: boolean;
  #detector: FirstTokenDetector = firstByteDetector();
  #hasFirstToken = false;
  #isFailure = false;
  #isOver = false;

  /** `decision`: null where the request was not routed here. */
  constructor(decision: RoutedDecision | null, bodyMode: BodyMode, wire: ExchangeWire, listener: ResponseListener) {
    this.#decision = decision;
    this.#isFullDuplex = bodyMode === 'full-duplex' || bodyMode === 'grpc';
    this.#wire = wire;
    this.#listener = listener;
  }

  onHeaders(headers: HeaderList, isEnd: boolean, context: MessageContext): void {
    const decision = this.#decision;
    this.#isFailure = Number(headers.get(':status') ?? 200) >= 400;
    if (isEventStream(headers)) this.#detector = eventStreamDetector();
    const served = context.served();
    if (served !== null && served !== decision?.endpoint.address) decision?.ticket.failed('upstream');
    const change = decision === null ? null : answerChange(decision, headers);
    this.#wire.send({ kind: 'continue', part: 'response-headers', change });
    if (isEnd) this.#finish();
  }

  onBody(bytes: Buffer, isEnd: boolean): void {
    if (this.#isOver) return;
    if (this.#isFullDuplex) sendPieces('response-body', { bytes, isEnd }, this.#wire);
    else this.#wire.send({ kind: 'continue', part: 'response-body', change: null });
    this.#observe(bytes);
    if (isEnd) this.#finish();
  }

  onTrailers(): void {
    this.#wire.send({ kind: 'trailers', part: 'response-trailers', destination: null });
    this.#finish();
  }

  #observe(bytes: Buffer): void {
    this.#scanner.push(bytes);
    if (this.#hasFirstToken || this.#isFailure || !this.#detector.push(bytes)) return;
    this.#hasFirstToken = true;
    this.#decision?.ticket.firstToken();
    this.#listener.onFirstToken();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isFailure) this.#decision?.ticket.failed('error-status');
    else this.#decision?.ticket.finished(this.#scanner.usage);
    this.#listener.onResponseOver();
  }
}
