import type { ProtocolConfig } from './messages.ts';

/**
 * How the parts of a request are answered, by the body mode that the data plane announces:
 * - `full-duplex`: the headers' reply waits for the decision; then every byte is sent back in pieces. Also for data planes
 *   that announce nothing;
 * - `buffered`, `buffered-partial`: headers are let on at once, else no body comes; the decision is in the reply to the one
 *   body message, which holds all of the body, or in the partial mode perhaps only its beginning;
 * - `streamed-ahead`: the headers' reply waits for the decision; then each body message is let on;
 * - `headers-only`: decided by the headers, for the body comes after their reply or never; what comes is let on.
 */
export type RequestMode = 'full-duplex' | 'buffered' | 'buffered-partial' | 'streamed-ahead' | 'headers-only';

/** The mode for what a data plane announces. */
export const requestModeOf = (protocol: ProtocolConfig | null): RequestMode => {
  if (protocol === null) return 'full-duplex';
  switch (protocol.requestBodyMode) {
    case 'none':
      return 'headers-only';
    case 'streamed':
      return protocol.sendsBodyAhead ? 'streamed-ahead' : 'headers-only';
    case 'buffered':
    case 'buffered-partial':
      return protocol.requestBodyMode;
    case 'full-duplex':
    case 'grpc':
      return 'full-duplex';
  }
};

/** Whether the data plane keeps the body back until it is answered in one message. */
export const isBuffering = (mode: RequestMode): boolean => mode === 'buffered' || mode === 'buffered-partial';
