import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import * as protoLoader from '@grpc/proto-loader';

const protoPath = (name: string): string =>
  fileURLToPath(new URL(`../../sidecar/proto/${name}.proto`, import.meta.url));

// An independent implementation of both protocols: what it understands, other clients do.
const definition = (name: string): protoLoader.PackageDefinition =>
  protoLoader.loadSync(protoPath(name), { keepCase: true, enums: String, longs: Number, oneofs: true });

/** One header as the protocol has it; exactly one of the two values is set. */
export interface WireHeader {
  readonly key: string;
  readonly value?: string;
  readonly raw_value?: Buffer;
}

/** A message of the protocol as plain data, in the protocol's own field names. */
export type WireMessage = Readonly<Record<string, unknown>>;

/** One stream to an external processor. */
export interface ExtprocStream {
  readonly call: grpc.ClientDuplexStream<WireMessage, WireMessage>;
  send(...messages: readonly WireMessage[]): void;
  /** The next `count` answers, in order; rejects when the stream ends before. */
  take(count: number): Promise<readonly WireMessage[]>;
  /** Ends the client's side. */
  halfClose(): void;
  cancel(): void;
  /** Resolves with the status when the stream has ended. */
  readonly status: Promise<grpc.StatusObject>;
  /** All answers not yet taken, once the stream has ended. */
  rest(): Promise<readonly WireMessage[]>;
}

/** A client of an external processor or health service at one address. */
export interface ExtprocClient extends Disposable {
  open(): ExtprocStream;
  /** Status of a service, or rejects with the call's status. */
  health(service: string): Promise<string>;
  healthList(): Promise<Readonly<Record<string, string>>>;
  watchHealth(service: string): grpc.ClientReadableStream<WireMessage>;
}

/** Where and how to connect. */
export interface ExtprocClientOptions {
  readonly address: string;
  /** PEM of the only certificate trusted; `insecure`: encrypted, but any is taken; absent: plaintext. */
  readonly tls?: { readonly trusted: string } | 'insecure';
  readonly channelOptions?: grpc.ChannelOptions;
}

const credentialsOf = ({ tls }: ExtprocClientOptions): grpc.ChannelCredentials => {
  if (tls === undefined) return grpc.credentials.createInsecure();
  if (tls === 'insecure') return grpc.credentials.createSsl(null, null, null, { rejectUnauthorized: false });
  return grpc.credentials.createSsl(Buffer.from(tls.trusted));
};

const methodOf = (name: string, service: string, method: string) => {
  const found = definition(name)[service];
  if (found === undefined || !(method in found)) throw new Error(`${name}.proto has no ${service}/${method}`);
  const methods: Record<string, grpc.MethodDefinition<WireMessage, WireMessage>> = found as never;
  const chosen = methods[method];
  if (chosen === undefined) throw new Error(`${service} has no ${method}`);
  return chosen;
};

const process = methodOf('ext_proc', 'envoy.service.ext_proc.v3.ExternalProcessor', 'Process');
const check = methodOf('health', 'grpc.health.v1.Health', 'Check');
const list = methodOf('health', 'grpc.health.v1.Health', 'List');
const watch = methodOf('health', 'grpc.health.v1.Health', 'Watch');

const openStream = (client: grpc.Client): ExtprocStream => {
  const call = client.makeBidiStreamRequest(process.path, process.requestSerialize, process.responseDeserialize);
  const answers: WireMessage[] = [];
  const ended = Promise.withResolvers<grpc.StatusObject>();
  let isEnded = false;
  call.on('data', (answer: WireMessage) => {
    answers.push(answer);
    call.emit('answer');
  });
  call.on('error', () => {});
  call.on('status', (status) => {
    isEnded = true;
    ended.resolve(status);
    call.emit('answer');
  });
  return {
    call,
    send: (...messages) => {
      for (const message of messages) call.write(message);
    },
    take: async (count) => {
      while (answers.length < count) {
        if (isEnded)
          throw new Error(
            `the stream ended with ${answers.length} of ${count} answers: ${JSON.stringify(await ended.promise)}`,
          );
        await once(call, 'answer');
      }
      return answers.splice(0, count);
    },
    halfClose: () => call.end(),
    cancel: () => call.cancel(),
    status: ended.promise,
    rest: async () => {
      await ended.promise;
      return answers.splice(0);
    },
  };
};

/** Connects lazily; disposing closes every stream. */
export const createExtprocClient = (options: ExtprocClientOptions): ExtprocClient => {
  const client = new grpc.Client(options.address, credentialsOf(options), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    ...options.channelOptions,
  });
  const unary = (method: grpc.MethodDefinition<WireMessage, WireMessage>, message: WireMessage): Promise<WireMessage> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        message,
        (failure, answer) => (failure === null && answer !== undefined ? resolve(answer) : reject(failure)),
      );
    });
  return {
    open: () => openStream(client),
    health: async (service) => String((await unary(check, { service }))['status']),
    healthList: async () => {
      const { statuses } = await unary(list, {});
      const entries = Object.entries(statuses as Record<string, { status: string }>);
      return Object.fromEntries(entries.map(([name, { status }]) => [name, status]));
    },
    watchHealth: (service) =>
      client.makeServerStreamRequest(watch.path, watch.requestSerialize, watch.responseDeserialize, { service }),
    [Symbol.dispose]: () => client.close(),
  };
};

/** Headers of a request as Envoy sends them. */
export const wireHeaders = (headers: Readonly<Record<string, string>>): readonly WireHeader[] =>
  Object.entries(headers).map(([key, value]) => ({ key, raw_value: Buffer.from(value) }));

/** First message of a stream: a POST with what the data plane announces. */
export const requestHeaders = (
  overrides: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly isEnd?: boolean;
    readonly requestBodyMode?: number;
    readonly responseBodyMode?: number;
    readonly sendsBodyAhead?: boolean;
    readonly metadata?: WireMessage;
  } = {},
): WireMessage => ({
  request_headers: {
    headers: {
      headers: wireHeaders({ ':method': 'POST', ':path': '/v1/completions', ...overrides.headers }),
    },
    end_of_stream: overrides.isEnd ?? false,
  },
  metadata_context: { filter_metadata: overrides.metadata ?? {} },
  protocol_config: {
    request_body_mode: overrides.requestBodyMode ?? 4,
    response_body_mode: overrides.responseBodyMode ?? 0,
    send_body_without_waiting_for_header_response: overrides.sendsBodyAhead ?? false,
  },
});

/** A body message. */
export const requestBody = (body: string | Buffer, isEnd = false): WireMessage => ({
  request_body: { body: Buffer.from(body), end_of_stream: isEnd },
});
