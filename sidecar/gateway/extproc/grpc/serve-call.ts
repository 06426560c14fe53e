import { constants, type ServerHttp2Stream } from 'node:http2';
import { type Clock, errorTable, type Logger, SidecarError } from '../../../core/index.ts';
import { stackFrames } from '../../error-response.ts';
import { FrameReader } from './frame-reader.ts';
import { type GrpcCall, type GrpcCallHandler, type GrpcMethod, type GrpcStatus, grpcStatuses } from './grpc-call.ts';
import { Outbox } from './outbox.ts';

/** How calls are served. */
export interface ServeOptions {
  /** Longest message taken. */
  readonly maxMessageBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

// Beyond this much unsent, a call stops reading until all of it is sent.
const unsentLimitBytes = 1_048_576;

const lingerMs = 1_000;

const responseHeaders = { ':status': 200, 'content-type': 'application/grpc' } as const;
const responseOptions = { waitForTrailers: true, sendDate: false } as const;

const trailersOf = ({ code, message }: GrpcStatus): Record<string, string> =>
  message === ''
    ? { 'grpc-status': `${code}` }
    : { 'grpc-status': `${code}`, 'grpc-message': encodeURIComponent(message) };

const failureStatus = (failure: unknown, logger: Logger): GrpcStatus => {
  const { code, message } = SidecarError.from(failure, 'internal');
  if (code === 'internal') logger.error('call failed', { code, stack: stackFrames(failure) });
  return { code: errorTable[code].grpcStatus, message: code === 'internal' ? errorTable[code].meaning : message };
};

/**
 * Sees to it that a stream whose answer is complete does not stay open for a client that goes on sending: most close
 * their side as soon as they see the status; a reset at once could overtake it.
 */
const closeInTime = (stream: ServerHttp2Stream, clock: Clock): void => {
  if (stream.readableEnded) return;
  const cancel = clock.schedule(lingerMs, () => stream.close(constants.NGHTTP2_NO_ERROR));
  stream.once('close', cancel);
  stream.resume();
};

/** Answers a call with its status alone, in one frame. */
export const refuseCall = (stream: ServerHttp2Stream, status: GrpcStatus, clock: Clock): void => {
  stream.on('error', () => {});
  stream.respond({ ...responseHeaders, ...trailersOf(status) }, { endStream: true });
  closeInTime(stream, clock);
};

/** One call of a method on an HTTP/2 stream (gRPC over HTTP2). */
class ServedCall implements GrpcCall {
  readonly #stream: ServerHttp2Stream;
  readonly #options: ServeOptions;
  readonly #outbox: Outbox;
  /**
   * Null once the call is gone. node:http2's stream objects outlive their streams until a full garbage collection; what
   * hangs on them must not.
   */
  #handler: GrpcCallHandler | null;
  #reader: FrameReader | null;
  #status: GrpcStatus | null = null;
  #isHeld = false;
  #isBackedUp = false;
  /** Whether a chunk is being handled, after which what it brought forth is written. */
  #isHandling = false;
  #isScheduled = false;

  constructor(stream: ServerHttp2Stream, method: GrpcMethod, options: ServeOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#outbox = new Outbox(stream);
    this.#handler = method(this);
    this.#reader = new FrameReader(options.maxMessageBytes);
    stream.on('data', (chunk: Buffer) => this.#onChunk(chunk));
    stream.on('end', () => this.#onHalfClose());
    stream.on('wantTrailers', () => {
      stream.sendTrailers(trailersOf(this.#status ?? grpcStatuses.ok));
      closeInTime(stream, options.clock);
    });
    stream.on('error', () => {});
    stream.on('close', () => this.#onClose());
  }

  send(head: Uint8Array, tail?: Uint8Array, onSent?: () => void): void {
    if (this.#status !== null) return;
    this.#outbox.push(head, tail);
    if (onSent !== undefined) this.#outbox.onceSent(onSent);
    this.#writeSoon();
  }

  pause(): void {
    this.#isHeld = true;
    this.#readOn();
  }

  resume(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#readOn();
  }

  end(status: GrpcStatus = grpcStatuses.ok): void {
    if (this.#status !== null) return;
    this.#status = status;
    this.#writeSoon();
  }

  #writeSoon(): void {
    if (this.#isHandling || this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#write());
  }

  /** Writes what waits, and the end where the call has ended. */
  #write(): void {
    this.#isScheduled = false;
    const stream = this.#stream;
    const status = this.#status;
    if (stream.destroyed || stream.writableEnded) return;
    if (!this.#outbox.isEmpty) {
      if (!stream.headersSent) stream.respond(responseHeaders, responseOptions);
      this.#outbox.flush();
    }
    if (status === null) return;
    if (stream.headersSent) stream.end();
    else refuseCall(stream, status, this.#options.clock);
  }

  #readOn(): void {
    if (this.#isHeld || this.#isBackedUp) this.#stream.pause();
    else this.#stream.resume();
  }

  #onChunk(chunk: Buffer): void {
    this.#handle(() => {
      const problem = this.#reader?.push(chunk, this.#onMessage) ?? null;
      if (problem !== null) this.end(problem === 'too-large' ? grpcStatuses.tooLarge : grpcStatuses.compressed);
    });
    if (this.#isBackedUp || this.#stream.writableLength <= unsentLimitBytes) return;
    this.#isBackedUp = true;
    this.#readOn();
    this.#stream.once('drain', () => {
      this.#isBackedUp = false;
      this.#readOn();
    });
  }

  readonly #onMessage = (message: Buffer): void => {
    if (this.#status === null) this.#handler?.onMessage(message);
  };

  #onHalfClose(): void {
    this.#handle(() => this.#handler?.onHalfClose());
  }

  /** Lets the method see something, then writes what it answers. What it throws ends the call. */
  #handle(step: () => void): void {
    if (this.#status !== null) return;
    this.#isHandling = true;
    try {
      step();
    } catch (failure) {
      this.end(failureStatus(failure, this.#options.logger));
    }
    this.#isHandling = false;
    this.#write();
  }

  #onClose(): void {
    const handler = this.#handler;
    this.#handler = null;
    this.#reader = null;
    handler?.onClose();
  }
}

/** Runs one call of a method on an HTTP/2 stream (gRPC over HTTP2). */
export const serveCall = (stream: ServerHttp2Stream, method: GrpcMethod, options: ServeOptions): void => {
  new ServedCall(stream, method, options);
};
