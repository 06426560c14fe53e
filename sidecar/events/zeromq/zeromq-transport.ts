import { Dealer, type Socket, Subscriber } from 'zeromq';
import { type Logger, SidecarError } from '../../core/index.ts';
import { encodeReplayRequest } from '../frames.ts';
import type { ReplayPort } from '../stream/replay-run.ts';
import type { EventTransport, OpenSocket, SubscriptionSink } from '../transport.ts';
import type { TurnQueue } from '../turn-queue.ts';

/** A message larger than this makes ZeroMQ drop the connection, so that no peer can fill the memory. */
const maxMessageSize = 64 * 1024 * 1024;

const subscriberOptions = {
  linger: 0,
  maxMessageSize,
  // Beyond this ZeroMQ stops reading, the peer's own queue (100,000 messages in vLLM) fills, and a gap shows any loss.
  receiveHighWaterMark: 10_000,
  reconnectInterval: 100,
  reconnectMaxInterval: 2_000,
  // Finds a peer that vanished without a word. ZMTP heartbeats would, too, but not every publisher answers them.
  tcpKeepalive: 1,
  tcpKeepaliveIdle: 10,
  tcpKeepaliveInterval: 5,
  tcpKeepaliveCount: 3,
};

/** What the transport needs besides ZeroMQ itself. */
export interface ZeromqTransportOptions {
  readonly turns: TurnQueue;
  readonly logger: Logger;
}

/** Hands on messages until the socket is closed. A failure of the receiver is logged and costs that message only. */
const pump = async (
  socket: Subscriber | Dealer,
  options: ZeromqTransportOptions,
  onFrames: SubscriptionSink['onFrames'],
): Promise<void> => {
  for (;;) {
    let frames: readonly Uint8Array[];
    try {
      frames = await socket.receive();
    } catch (failure) {
      if (socket.closed) return;
      throw SidecarError.from(failure, 'unavailable');
    }
    try {
      await options.turns.run(() => onFrames(frames));
    } catch (failure) {
      options.logger.error('handling an event message failed', { reason: String(failure) });
    }
    if (socket.closed) return;
  }
};

const watchConnection = async (socket: Socket, sink: SubscriptionSink): Promise<void> => {
  for await (const event of socket.events) {
    if (socket.closed) return;
    if (event.type === 'handshake') sink.onConnected();
    else if (event.type === 'disconnect') sink.onDisconnected();
  }
};

const dial = (socket: Socket, address: string): void => {
  try {
    socket.connect(address);
  } catch (cause) {
    throw new SidecarError('invalid-argument', `cannot dial ${address}`, { details: { address }, cause });
  }
};

/** Event streams over libzmq: SUB for live batches, DEALER for replays. */
export const createZeromqTransport = (options: ZeromqTransportOptions): EventTransport => {
  /** To be called before the socket dials or binds: ZeroMQ tells of a connection only those who watch already. */
  const listen = (socket: Subscriber, sink: SubscriptionSink): OpenSocket => {
    const received = pump(socket, options, sink.onFrames).catch((failure: unknown) => {
      options.logger.error('event socket failed', { reason: String(failure) });
      sink.onDisconnected();
    });
    const loops = Promise.allSettled([received, watchConnection(socket, sink)]);
    return {
      close: async () => {
        socket.close();
        await loops;
      },
    };
  };

  return {
    subscribe: (address, sink) => {
      const socket = new Subscriber(subscriberOptions);
      socket.subscribe();
      const open = listen(socket, sink);
      try {
        dial(socket, address);
      } catch (failure) {
        socket.close();
        throw failure;
      }
      return open;
    },
    bind: async (address, sink) => {
      const socket = new Subscriber(subscriberOptions);
      socket.subscribe();
      const open = listen(socket, sink);
      try {
        await socket.bind(address);
      } catch (cause) {
        socket.close();
        throw new SidecarError('listen-failed', `cannot bind ${address}`, { details: { address }, cause });
      }
      return { address: socket.lastEndpoint ?? address, ...open };
    },
    replayFrom: (address): ReplayPort => ({
      open: ({ from, onFrames, onFailure }) => {
        // No receive limit: the engine's ROUTER drops replies for a peer that reads slowly.
        const socket = new Dealer({ linger: 0, maxMessageSize, receiveHighWaterMark: 0 });
        const begin = async (): Promise<void> => {
          dial(socket, address);
          await socket.send([...encodeReplayRequest(from)]);
          await pump(socket, options, onFrames);
        };
        // A microtask later, since nothing may be told before `open` returns.
        Promise.resolve()
          .then(begin)
          .catch((failure: unknown) => {
            if (!socket.closed) socket.close();
            onFailure(failure);
          });
        return () => socket.close();
      },
    }),
  };
};
