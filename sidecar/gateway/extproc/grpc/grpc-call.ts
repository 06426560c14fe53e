/** Status of a finished call. */
export interface GrpcStatus {
  /** Number of the public table of gRPC status codes. */
  readonly code: number;
  readonly message: string;
}

/** Statuses that the transport itself gives; all others come from the error table. */
export const grpcStatuses = {
  ok: { code: 0, message: '' },
  tooLarge: { code: 8, message: 'a message is longer than the limit' },
  unimplemented: { code: 12, message: 'there is no such method' },
  compressed: { code: 12, message: 'compressed messages are not supported' },
} as const satisfies Readonly<Record<string, GrpcStatus>>;

/** The server's side of one call, whatever its kind: unary calls are streams of one message. */
export interface GrpcCall {
  /**
   * Sends one message, given in two parts; messages leave in order. Does nothing once the call has ended. `onSent` is called
   * when this message and all before it have left, and not at all where the call breaks off.
   */
  send(head: Uint8Array, tail?: Uint8Array, onSent?: () => void): void;
  /** Stops reading: the client may send only as much more as its flow-control window allows. */
  pause(): void;
  resume(): void;
  /** Ends the call after what was sent; default OK. Only the first call counts. */
  end(status?: GrpcStatus): void;
}

/** What a method does with one call. */
export interface GrpcCallHandler {
  /** A whole message. What it throws ends the call with the failure's status. */
  onMessage(message: Buffer): void;
  /** The client sends no more. */
  onHalfClose(): void;
  /** The call is gone: finished, cancelled or cut off. Called once, and nothing after it. */
  onClose(): void;
}

/** A method: called once a call, when its headers have come. */
export type GrpcMethod = (call: GrpcCall) => GrpcCallHandler;

/** Methods by path, `/package.Service/Method`. */
export type GrpcMethods = ReadonlyMap<string, GrpcMethod>;
