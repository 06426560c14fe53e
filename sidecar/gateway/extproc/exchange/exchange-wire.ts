import type { ProcessorReply } from './messages.ts';

/** The stream under an exchange. */
export interface ExchangeWire {
  /** Sends one reply; replies leave in order. Does nothing once the stream has ended. */
  send(reply: ProcessorReply): void;
  /** Stops reading, so that the data plane's flow control holds the client back. */
  pause(): void;
  resume(): void;
  /** Ends the stream with status OK after what was sent. */
  end(): void;
}
