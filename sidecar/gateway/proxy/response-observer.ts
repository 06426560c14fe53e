import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ObservedUsage } from '../../routing/index.ts';
import { eventStreamDetector, firstByteDetector } from '../first-token.ts';
import { UsageScanner } from '../usage-scanner.ts';

/** What is told about one response. */
export interface ResponseObserver {
  /** The first generated content passed. */
  firstToken(): void;
  /** The response ended whole. */
  ended(usage: ObservedUsage | null): void;
  /** It ended early: the endpoint broke off, or the client went away. */
  broken(by: 'upstream' | 'client'): void;
}

const isEventStream = (upstream: IncomingMessage): boolean =>
  upstream.headers['content-type']?.startsWith('text/event-stream') === true &&
  upstream.headers['content-encoding'] === undefined;

/**
 * Watches a response on its way to the client. Looks at each chunk only after it was handed on; sends the header at once
 * where no body follows it. Trailers go along.
 */
export const observeResponse = (
  upstream: IncomingMessage,
  response: ServerResponse,
  observer: ResponseObserver,
): void => {
  const detector = isEventStream(upstream) ? eventStreamDetector() : firstByteDetector();
  const scanner = new UsageScanner();
  let hasFirstToken = false;
  let isOver = false;
  const once = (tell: () => void): void => {
    if (isOver) return;
    isOver = true;
    tell();
  };
  const onData = (chunk: Buffer): void => {
    scanner.push(chunk);
    if (hasFirstToken || !detector.push(chunk)) return;
    hasFirstToken = true;
    observer.firstToken();
  };

  // Listeners of one event run in the order they were added: those of the pipe come first.
  response.once('pipe', () => {
    upstream.on('data', onData);
    setImmediate(() => {
      if (!response.headersSent && !response.destroyed) response.flushHeaders();
    });
  });
  upstream.once('end', () => {
    if (upstream.rawTrailers.length > 0) response.addTrailers(upstream.trailers);
    once(() => observer.ended(scanner.usage));
  });
  response.once('close', () => {
    if (!response.writableFinished) once(() => observer.broken('client'));
  });
  upstream.once('close', () => {
    if (!upstream.complete) once(() => observer.broken('upstream'));
  });
};
