import type { RoutedDecision } from '../../../routing/index.ts';
import { eventStreamDetector, type FirstTokenDetector, firstByteDetector } from '../../first-token.ts';
import { UsageScanner } from '../../usage-scanner.ts';
import type { HeaderList } from './header-list.ts';
import type { BodyMode, MessageContext, ProcessorReply } from './messages.ts';
import { answerChange, sendPieces } from './replies.ts';

/** What the response half of an exchange works with. */
export interface ResponsePhaseOptions {
  /** Null where the request was not routed here. */
  readonly decision: RoutedDecision | null;
  readonly bodyMode: BodyMode;
  readonly send: (reply: ProcessorReply) => void;
  /** The first generated content passed. */
  readonly onFirstToken: () => void;
  /** The response's end was answered. */
  readonly onOver: () => void;
}

/** The response half of an exchange. */
export interface ResponsePhase {
  onHeaders(headers: HeaderList, isEnd: boolean, context: MessageContext): void;
  onBody(bytes: Buffer, isEnd: boolean): void;
  onTrailers(): void;
}

const isEventStream = (headers: HeaderList): boolean =>
  headers.get('content-type')?.startsWith('text/event-stream') === true &&
  headers.get('content-encoding') === undefined;

/**
 * Lets the engine's answer through unchanged, piece by piece, and reads first token and usage for the ticket. An answer
 * of another endpoint than the pick, as the data plane reports it, says nothing about the pick: its booking is released.
 */
export const createResponsePhase = (options: ResponsePhaseOptions): ResponsePhase => {
  const { decision, bodyMode, send } = options;
  const ticket = decision?.ticket ?? null;
  const scanner = new UsageScanner();
  let detector: FirstTokenDetector = firstByteDetector();
  let hasFirstToken = false;
  let isFailure = false;
  let isOver = false;
  // In the other modes, as with the request, bytes are let on by an empty reply.
  const isFullDuplex = bodyMode === 'full-duplex' || bodyMode === 'grpc';

  const finish = (): void => {
    if (isOver) return;
    isOver = true;
    if (isFailure) ticket?.failed('error-status');
    else ticket?.finished(scanner.usage);
    options.onOver();
  };

  const observe = (bytes: Buffer): void => {
    scanner.push(bytes);
    if (hasFirstToken || isFailure || !detector.push(bytes)) return;
    hasFirstToken = true;
    ticket?.firstToken();
    options.onFirstToken();
  };

  return {
    onHeaders: (headers, isEnd, context) => {
      isFailure = Number(headers.get(':status') ?? 200) >= 400;
      if (isEventStream(headers)) detector = eventStreamDetector();
      const served = context.served();
      if (served !== null && served !== decision?.endpoint.address) ticket?.failed('upstream');
      const change = decision === null ? null : answerChange(decision, headers);
      send({ kind: 'continue', part: 'response-headers', change });
      if (isEnd) finish();
    },
    onBody: (bytes, isEnd) => {
      if (isOver) return;
      if (isFullDuplex) sendPieces('response-body', { bytes, isEnd }, send);
      else send({ kind: 'continue', part: 'response-body', change: null });
      observe(bytes);
      if (isEnd) finish();
    },
    onTrailers: () => {
      send({ kind: 'trailers', part: 'response-trailers', destination: null });
      finish();
    },
  };
};
