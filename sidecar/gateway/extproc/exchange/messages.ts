import type { HeaderList } from './header-list.ts';

/** How the data plane sends a body: ProcessingMode.BodySendMode of Envoy's ext_proc. */
export type BodyMode = 'none' | 'streamed' | 'buffered' | 'buffered-partial' | 'full-duplex' | 'grpc';

/** What the data plane says of itself in a stream's first message. */
export interface ProtocolConfig {
  readonly requestBodyMode: BodyMode;
  readonly responseBodyMode: BodyMode;
  /** Whether body messages come before the headers' reply in STREAMED mode. */
  readonly sendsBodyAhead: boolean;
}

/** What comes with any message besides its part. Read only where needed. */
export interface MessageContext {
  /** Null where the data plane announces nothing: before Envoy 1.34, NGINX Gateway Fabric's shim, hand-made clients. */
  readonly protocol: ProtocolConfig | null;
  /** Endpoints that may be picked, `ip:port` or bare `ip`; null where the data plane says nothing, empty: none. */
  subset(): readonly string[] | null;
  /** `ip:port` that served, known from the response's headers on; null where the data plane does not say it. */
  served(): string | null;
}

/** One part of a request or response, as the data plane sends it for processing. */
export type ProcessorMessage =
  | { readonly kind: 'request-headers'; readonly headers: HeaderList; readonly isEnd: boolean }
  | { readonly kind: 'request-body'; readonly bytes: Buffer; readonly isEnd: boolean }
  | { readonly kind: 'request-trailers' }
  | { readonly kind: 'response-headers'; readonly headers: HeaderList; readonly isEnd: boolean }
  | { readonly kind: 'response-body'; readonly bytes: Buffer; readonly isEnd: boolean }
  | { readonly kind: 'response-trailers' }
  /** A part that is not known here. */
  | { readonly kind: 'other' };

/** Headers to replace or add, and names to take off; names in lower case. */
export interface HeaderChange {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

/** What a decision changes in a request. */
export interface PickChange extends HeaderChange {
  /** Value of the destination in the dynamic metadata; equal to that in `set`. */
  readonly destination: string;
  /** The whole body in place of what came, where it is changed and the reply is one to a buffered body. */
  readonly body?: Uint8Array;
}

/** One answer. Replies of one direction leave in the order headers, body, trailers. */
export type ProcessorReply =
  /** The part goes on as it is, but for the headers named. Outside full-duplex the reply to a body message too. */
  | {
      readonly kind: 'continue';
      readonly part: 'request-headers' | 'request-body' | 'response-headers' | 'response-body';
      readonly change: HeaderChange | PickChange | null;
    }
  /** In full-duplex a piece of a body, which is all that goes on. */
  | {
      readonly kind: 'piece';
      readonly part: 'request-body' | 'response-body';
      readonly bytes: Uint8Array;
      readonly isEnd: boolean;
    }
  | {
      readonly kind: 'trailers';
      readonly part: 'request-trailers' | 'response-trailers';
      /** For the dynamic metadata alone, where no reply before could name it. */
      readonly destination: string | null;
    }
  /** Answers the client in the engine's place and ends the exchange. */
  | {
      readonly kind: 'immediate';
      readonly httpStatus: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      /** Shown in the data plane's access log (`%RESPONSE_CODE_DETAILS%`). */
      readonly details: string;
    };
