import { constants, type ServerHttp2Stream } from 'node:http2';
import { type Clock, errorTable, type Logger, SidecarError } from '../../../core/index.ts';
import { stackFrames } from '../../error-response.ts';
import { FrameReader } from './frame-reader.ts';
import { type GrpcCall, type GrpcMethod, type GrpcStatus, grpcStatuses } from './grpc-call.ts';
import { Outbox } from './outbox.ts';

// Beyond this much unsent, a call stops reading until all of it is sent.
const unsentLimitBytes = 1_048_576;

const lingerMs = 1_000;

const responseHeaders = { ':status': 200, 'content-type': 'application/grpc' } as const;

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

/** Runs one call of a method on an HTTP/2 stream (gRPC over HTTP2). */
export const serveCall = (
  stream: ServerHttp2Stream,
  method: GrpcMethod,
  options: { readonly maxMessageBytes: number; readonly clock: Clock; readonly logger: Logger },
): void => {
  let status: GrpcStatus | null = null;
  let isHeld = false;
  let isBackedUp = false;

  const outbox = new Outbox(stream, () => stream.respond(responseHeaders, { waitForTrailers: true }));

  const finish = (): void => {
    if (stream.destroyed || status === null) return;
    if (!outbox.isUsed) {
      refuseCall(stream, status, options.clock);
      return;
    }
    outbox.flush();
    stream.end();
  };

  const readOn = (): void => {
    if (isHeld || isBackedUp) stream.pause();
    else stream.resume();
  };

  const call: GrpcCall = {
    send: (head, tail) => {
      if (status === null) outbox.push(head, tail);
    },
    pause: () => {
      isHeld = true;
      readOn();
    },
    resume: () => {
      if (!isHeld) return;
      isHeld = false;
      readOn();
    },
    end: (ending = grpcStatuses.ok) => {
      if (status !== null) return;
      status = ending;
      queueMicrotask(finish);
    },
  };

  const handler = method(call);

  const attempt = (step: () => void): void => {
    try {
      step();
    } catch (failure) {
      call.end(failureStatus(failure, options.logger));
    }
  };

  const reader = new FrameReader({
    maxMessageBytes: options.maxMessageBytes,
    onMessage: (message) => {
      if (status === null) handler.onMessage(message);
    },
  });

  stream.on('data', (chunk: Buffer) => {
    if (status !== null) return;
    attempt(() => {
      const problem = reader.push(chunk);
      if (problem !== null) call.end(problem === 'too-large' ? grpcStatuses.tooLarge : grpcStatuses.compressed);
    });
    if (stream.writableLength <= unsentLimitBytes || isBackedUp) return;
    isBackedUp = true;
    readOn();
  });
  stream.on('drain', () => {
    if (!isBackedUp) return;
    isBackedUp = false;
    readOn();
  });
  stream.on('end', () => {
    if (status === null) attempt(() => handler.onHalfClose());
  });
  stream.on('wantTrailers', () => {
    stream.sendTrailers(trailersOf(status ?? grpcStatuses.ok));
    closeInTime(stream, options.clock);
  });
  stream.on('error', () => {});
  stream.on('close', () => handler.onClose());
};
