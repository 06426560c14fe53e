import type { ReplayPort } from './stream/replay-run.ts';

/** What a subscription tells. */
export interface SubscriptionSink {
  /** One live message. Called as the process's turn queue allows; the next message is read once this returned. */
  readonly onFrames: (frames: readonly Uint8Array[]) => void;
  /** The publisher answered the handshake; after `onDisconnected` again. */
  readonly onConnected: () => void;
  readonly onDisconnected: () => void;
}

/** An open socket; closing it resolves once nothing more is told. */
export interface OpenSocket {
  close(): Promise<void>;
}

/** How event streams reach engines. */
export interface EventTransport {
  /** Dials a publisher and keeps dialling. Throws `invalid-argument` for an address that cannot be dialled. */
  subscribe(address: string, sink: SubscriptionSink): OpenSocket;
  /** Lets publishers dial in; returns the address with the port that a `*` stood for. Throws `listen-failed`. */
  bind(address: string, sink: SubscriptionSink): Promise<OpenSocket & { readonly address: string }>;
  /** Replays from one engine's replay socket. Dials anew for each replay. */
  replayFrom(address: string): ReplayPort;
}
