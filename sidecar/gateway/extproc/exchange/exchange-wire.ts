import type { ProcessorReply } from './messages.ts';

/** The stream under an exchange. */
export interface ExchangeWire {
  /**
   * Sends one reply; replies leave in order. Does nothing once the stream has ended. `onSent` is called when this reply and
   * all before it have left, and not at all where the stream breaks off.
   */
  send(reply: ProcessorReply, onSent?: () => void): void;
  /** Stops reading, so that the data plane's flow control holds the client back. */
  pause(): void;
  resume(): void;
  /** Ends the stream with status OK after what was sent. */
  end(): void;
}
