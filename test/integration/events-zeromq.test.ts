import { describe, expect, it } from '@jest/globals';
import { XPublisher } from 'zeromq';
import { sequenceNumber, silentMetrics, systemClock } from '../../sidecar/core/index.ts';
import { createTurnQueue, createZeromqTransport, type SubscriptionSink } from '../../sidecar/events/index.ts';
import { createRecordingLogger } from '../support/stream-harness.ts';

const setUp = () => {
  const logger = createRecordingLogger();
  const turns = createTurnQueue({ clock: systemClock, metrics: silentMetrics });
  return { logger, transport: createZeromqTransport({ turns, logger }) };
};
const silentSink: SubscriptionSink = { onFrames: () => {}, onConnected: () => {}, onDisconnected: () => {} };
/** A publisher on a free port, with a promise of its first subscriber. */
const publisher = async () => {
  const socket = new XPublisher({ linger: 0 });
  await socket.bind('tcp://127.0.0.1:*');
  return {
    socket,
    address: socket.lastEndpoint ?? '',
    subscribed: socket.receive(),
    [Symbol.dispose]: () => socket.close(),
  };
};

describe('ZeroMQ sockets', () => {
  it('refuse an address that cannot be dialled or bound', async () => {
    const { transport } = setUp();
    expect(() => transport.subscribe('nonsense', silentSink)).toThrow('[invalid-argument]');
    await expect(transport.bind('nonsense', silentSink)).rejects.toThrow('[listen-failed]');
  });

  it('report a replay that cannot be asked for, after `open` has returned', async () => {
    const { transport } = setUp();
    const { promise, resolve } = Promise.withResolvers<unknown>();
    let isReturned = false;
    const close = transport.replayFrom('nonsense').open({
      from: sequenceNumber(0),
      onFrames: () => {},
      onFailure: (failure) => resolve({ failure, isReturned }),
    });
    isReturned = true;
    expect(await promise).toMatchObject({ failure: { code: 'invalid-argument' }, isReturned: true });
    close();
  });

  it('tell of connection and messages, and of nothing once closed', async () => {
    using source = await publisher();
    const { transport } = setUp();
    const connected = Promise.withResolvers<void>();
    const received = Promise.withResolvers<readonly string[]>();
    const subscription = transport.subscribe(source.address, {
      ...silentSink,
      onConnected: connected.resolve,
      onFrames: (frames) => received.resolve(frames.map((frame) => Buffer.from(frame).toString())),
    });
    await connected.promise;
    await source.subscribed;
    await source.socket.send(['topic', 'number', 'payload']);
    expect(await received.promise).toEqual(['topic', 'number', 'payload']);
    await subscription.close();
  });

  it('go on after a receiver that failed, which is logged', async () => {
    using source = await publisher();
    const { transport, logger } = setUp();
    const second = Promise.withResolvers<void>();
    let messages = 0;
    const subscription = transport.subscribe(source.address, {
      ...silentSink,
      onFrames: () => {
        messages += 1;
        if (messages === 1) throw new Error('bug');
        second.resolve();
      },
    });
    await source.subscribed;
    await source.socket.send(['', 'a', 'b']);
    await source.socket.send(['', 'a', 'b']);
    await second.promise;
    await subscription.close();
    expect(logger.lines.map(({ level }) => level)).toEqual(['error']);
  });

  it('tell of a lost connection', async () => {
    const source = await publisher();
    const { transport } = setUp();
    const lost = Promise.withResolvers<void>();
    const subscription = transport.subscribe(source.address, { ...silentSink, onDisconnected: lost.resolve });
    await source.subscribed;
    source.socket.close();
    await lost.promise;
    await subscription.close();
  });
});
