import type { RouteTicket } from '../../routing/index.ts';
import { eventStreamDetector, type FirstTokenDetector, firstByteDetector } from '../first-token.ts';
import { UsageScanner } from '../usage-scanner.ts';
import {
  type CommonResponse,
  type HttpHeaders,
  type ProcessingRequest,
  type ProcessingResponse,
  readHeader,
} from './messages.ts';
import { echoPieces } from './replies.ts';

/** The response half of an exchange. */
export interface ResponsePhase {
  onMessage(message: ProcessingRequest): void;
  /** The stream is gone: whatever of the response has not come will not come. */
  onClose(): void;
}

/** Passes the endpoint's answer through unchanged, piece by piece, and reads first token and usage for the ticket. */
export const createResponsePhase = (options: {
  /** Null where the request was not routed here. */
  readonly ticket: RouteTicket | null;
  /** In FULL_DUPLEX_STREAMED each piece must be sent back; in the other modes an empty reply leaves it as it is. */
  readonly isFullDuplex: boolean;
  readonly headersReply: CommonResponse;
  readonly send: (response: ProcessingResponse) => void;
}): ResponsePhase => {
  const { ticket, isFullDuplex, send } = options;
  const scanner = new UsageScanner();
  let detector: FirstTokenDetector = firstByteDetector();
  let hasFirstToken = false;
  let isFailure = false;
  let isOver = false;

  const finish = (): void => {
    if (isOver) return;
    isOver = true;
    if (isFailure) ticket?.failed('upstream');
    else ticket?.finished(scanner.usage);
  };

  const onHeaders = (headers: HttpHeaders): void => {
    const status = Number(readHeader(headers, ':status') ?? 200);
    isFailure = status >= 500;
    if (readHeader(headers, 'content-type')?.startsWith('text/event-stream') === true) detector = eventStreamDetector();
    send({ response_headers: { response: options.headersReply } });
    if (headers.end_of_stream === true) finish();
  };

  const onBody = (body: Buffer, isEnd: boolean): void => {
    if (isFullDuplex) {
      for (const body_mutation of echoPieces(body, isEnd)) send({ response_body: { response: { body_mutation } } });
    } else send({ response_body: { response: {} } });
    scanner.push(body);
    if (!hasFirstToken && !isFailure && detector.push(body)) {
      hasFirstToken = true;
      ticket?.firstToken();
    }
    if (isEnd) finish();
  };

  return {
    onMessage: (message) => {
      if (message.response_headers) onHeaders(message.response_headers);
      else if (message.response_body) {
        onBody(message.response_body.body ?? Buffer.alloc(0), message.response_body.end_of_stream === true);
      } else if (message.response_trailers) {
        send({ response_trailers: {} });
        finish();
      }
    },
    onClose: () => {
      if (isOver) return;
      isOver = true;
      ticket?.failed('client-abort');
    },
  };
};
