import { SidecarError } from '../../sidecar/core/index.ts';
import type { EventTransport, SubscriptionSink } from '../../sidecar/events/index.ts';
import { createFakeReplayPort, type FakeReplayPort } from './stream-harness.ts';

/** Event sockets under a test's control: addresses lead to sinks, nothing is opened. */
export interface FakeTransport extends EventTransport {
  /** Sinks of open subscriptions, dialled and bound, by address. */
  readonly subscriptions: ReadonlyMap<string, SubscriptionSink>;
  /** The sink at an address; throws where none is open. */
  sinkAt(address: string): SubscriptionSink;
  /** The replay socket at an address, made at first mention. */
  replayAt(address: string): FakeReplayPort;
}

/** Creates a transport without sockets. An address that begins with `bad` cannot be dialled or bound. */
export const createFakeTransport = (): FakeTransport => {
  const subscriptions = new Map<string, SubscriptionSink>();
  const replays = new Map<string, FakeReplayPort>();
  const open = (address: string, sink: SubscriptionSink) => {
    subscriptions.set(address, sink);
    return {
      close: async () => {
        subscriptions.delete(address);
      },
    };
  };
  const replayAt = (address: string): FakeReplayPort => {
    const known = replays.get(address) ?? createFakeReplayPort();
    replays.set(address, known);
    return known;
  };
  return {
    subscriptions,
    sinkAt: (address) => {
      const sink = subscriptions.get(address);
      if (sink === undefined) throw new Error(`nothing subscribes at ${address}`);
      return sink;
    },
    replayAt,
    subscribe: (address, sink) => {
      if (address.startsWith('bad')) throw new SidecarError('invalid-argument', 'cannot dial');
      return open(address, sink);
    },
    bind: async (address, sink) => {
      if (address.startsWith('bad')) throw new SidecarError('listen-failed', 'cannot bind');
      return { address: address.replace('*', '0.0.0.0'), ...open(address, sink) };
    },
    replayFrom: replayAt,
  };
};
