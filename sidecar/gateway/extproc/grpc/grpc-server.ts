import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock, Logger } from '../../../core/index.ts';
import { listenOn } from '../../listening.ts';
import type { TlsMaterial } from '../tls/tls-material.ts';
import type { TlsVersion } from '../tls/tls-source.ts';
import { type GrpcMethods, grpcStatuses } from './grpc-call.ts';
import { refuseCall, serveCall } from './serve-call.ts';

/** How a gRPC server listens and what it serves. */
export interface GrpcServerOptions {
  /** Name in logs and errors. */
  readonly name: string;
  /** `host:port`; port 0 takes a free one. */
  readonly listen: string;
  readonly methods: GrpcMethods;
  /** Certificate with its lowest TLS version; null: plaintext. */
  readonly tls: { readonly material: TlsMaterial; readonly minVersion: TlsVersion } | null;
  /** Longest message taken. */
  readonly maxMessageBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A gRPC server. Created without I/O. */
export interface GrpcServer {
  /** Listens and resolves with the bound `host:port`. Rejects with `listen-failed`. */
  start(): Promise<string>;
  /** New connections use this certificate; those that are open keep theirs. */
  setCertificate(material: TlsMaterial): void;
  /**
   * Stops accepting, tells clients to go away (GOAWAY) and resolves when the last call has ended. `onDeadline` is called
   * after `deadlineMs`; what has not ended `graceMs` after it is cut off.
   */
  stop(deadlineMs: number, onDeadline?: () => void): Promise<void>;
}

// Node's defaults are made for browsers: a few connections carry everything here. The windows let a large prompt through
// without waiting for updates. That of the connection is no larger, for node:http2 does not read while it cannot write: with
// a peer that does the same, more in flight than fits the sockets' buffers could stop both for ever.
const streamWindowBytes = 1_048_576;
const connectionWindowBytes = 1_048_576;
const maxConcurrentStreams = 4_096;
const sessionMemoryMegabytes = 1_024;

// Envoy ends each exchange by a reset; nghttp2's guard against floods of them (33 a second) would cut the connection.
const resetsPerSecond = 100_000;

const keepAliveProbeMs = 30_000;
const graceMs = 100;

const http2Options = {
  settings: { initialWindowSize: streamWindowBytes, maxConcurrentStreams, enablePush: false },
  maxSessionMemory: sessionMemoryMegabytes,
  streamResetBurst: resetsPerSecond,
  streamResetRate: resetsPerSecond,
};

const isGrpc = (contentType: string | undefined): boolean => contentType?.startsWith('application/grpc') === true;

/** A gRPC server over node:http2, without reflection and compression, which no client of these services asks for. */
export const createGrpcServer = (options: GrpcServerOptions): GrpcServer => {
  const { methods, tls, maxMessageBytes, clock, logger } = options;
  const sessions = new Set<ServerHttp2Session>();
  let stopping: Promise<void> | null = null;

  const onStream = (stream: ServerHttp2Stream, headers: Readonly<Record<string, unknown>>): void => {
    const contentType = headers['content-type'];
    if (!isGrpc(typeof contentType === 'string' ? contentType : undefined)) {
      stream.on('error', () => {});
      stream.respond({ ':status': 415 }, { endStream: true });
      return;
    }
    const method = methods.get(String(headers[':path']));
    if (method === undefined) refuseCall(stream, grpcStatuses.unimplemented, clock);
    else serveCall(stream, method, { maxMessageBytes, clock, logger });
  };

  const server: Http2Server | Http2SecureServer =
    tls === null
      ? createServer(http2Options)
      : createSecureServer({ ...http2Options, ...tls.material, minVersion: tls.minVersion, ALPNProtocols: ['h2'] });
  server.on('connection', (socket: Socket) => socket.setKeepAlive(true, keepAliveProbeMs));
  server.on('stream', onStream);
  const adopt = (session: ServerHttp2Session): void => {
    sessions.add(session);
    session.setLocalWindowSize(connectionWindowBytes);
    session.on('error', (failure: NodeJS.ErrnoException) => logger.debug('connection failed', { cause: failure.code }));
    session.on('close', () => sessions.delete(session));
  };
  server.on('session', adopt);
  // Envoy's health checks over TLS name no protocol; nothing but HTTP/2 is spoken here.
  server.on('unknownProtocol', (socket: TLSSocket) => {
    const session = performServerHandshake(socket, http2Options);
    adopt(session);
    session.on('stream', onStream);
  });
  server.on('sessionError', () => {});
  server.on('tlsClientError', (failure: NodeJS.ErrnoException) =>
    logger.debug('TLS handshake failed', { cause: failure.code }),
  );

  const destroyAll = (): void => {
    for (const session of sessions) session.destroy();
  };

  const stop = (deadlineMs: number, onDeadline: () => void): Promise<void> => {
    if (deadlineMs <= 0) {
      onDeadline();
      destroyAll();
    }
    stopping ??= new Promise((resolve) => {
      if (!server.listening) return resolve();
      let cancel = clock.schedule(deadlineMs, () => {
        onDeadline();
        cancel = clock.schedule(graceMs, destroyAll);
      });
      server.close(() => {
        cancel();
        logger.info('gateway stopped', { gateway: options.name });
        resolve();
      });
      for (const session of sessions) session.close();
    });
    return stopping;
  };

  return {
    start: async () => {
      const address = await listenOn(server, { gateway: options.name, listen: options.listen });
      logger.info('gateway listening', { gateway: options.name, address, isTls: tls !== null });
      return address;
    },
    setCertificate: ({ cert, key }) => {
      if ('setSecureContext' in server && tls !== null) {
        server.setSecureContext({ cert, key, minVersion: tls.minVersion });
      }
    },
    stop: (deadlineMs, onDeadline = () => {}) => stop(deadlineMs, onDeadline),
  };
};
