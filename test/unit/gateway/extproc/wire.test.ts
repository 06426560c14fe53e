import { fileURLToPath } from 'node:url';
import * as protoLoader from '@grpc/proto-loader';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SidecarError } from '../../../../sidecar/core/index.ts';
import type { ProcessorReply } from '../../../../sidecar/gateway/extproc/exchange/messages.ts';
import { decodeMessage } from '../../../../sidecar/gateway/extproc/wire/decode-message.ts';
import { encodeReply } from '../../../../sidecar/gateway/extproc/wire/encode-reply.ts';

const proto = protoLoader.loadSync(
  fileURLToPath(new URL('../../../../sidecar/proto/ext_proc.proto', import.meta.url)),
  { keepCase: true, oneofs: true },
);

const service = proto['envoy.service.ext_proc.v3.ExternalProcessor'] as protoLoader.MethodDefinition<object, object>[] &
  Record<string, protoLoader.MethodDefinition<object, object>>;
const method = service['Process'];
if (method === undefined) throw new Error('no method');

const encode = (message: object): Buffer => method.requestSerialize(message);

const decodedReply = (reply: ProcessorReply): object => {
  const { head, tail } = encodeReply(reply);
  return method.responseDeserialize(Buffer.concat([head, tail]));
};

describe('decoding', () => {
  it('reads what an independent encoder wrote', () => {
    const pair = fc.record({ key: fc.stringMatching(/^[a-z-]{1,12}$/), raw_value: fc.uint8Array({ minLength: 1 }) });
    fc.assert(
      fc.property(fc.array(pair), fc.boolean(), fc.nat(4), fc.nat(4), (headers, isEnd, request, response) => {
        const { message, context } = decodeMessage(
          encode({
            request_headers: {
              headers: { headers: headers.map(({ key, raw_value }) => ({ key, raw_value: Buffer.from(raw_value) })) },
              end_of_stream: isEnd,
            },
            protocol_config: { request_body_mode: request, response_body_mode: response },
          }),
        );
        if (message.kind !== 'request-headers') throw new Error(message.kind);
        for (const { key } of headers) {
          const first = headers.find((header) => header.key === key)?.raw_value ?? [];
          expect(message.headers.get(key)).toBe(Buffer.from(first).toString());
        }
        expect(message.isEnd).toBe(isEnd);
        const modes = ['none', 'streamed', 'buffered', 'buffered-partial', 'full-duplex'];
        expect(context.protocol).toEqual({
          requestBodyMode: modes[request],
          responseBodyMode: modes[response],
          sendsBodyAhead: false,
        });
      }),
    );
  });

  it.each(['request_body', 'response_body'])('gives the bytes of a %s', (part) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isEnd) => {
        const { message } = decodeMessage(encode({ [part]: { body: Buffer.from(bytes), end_of_stream: isEnd } }));
        if (message.kind !== 'request-body' && message.kind !== 'response-body') throw new Error(message.kind);
        expect(message.bytes.equals(bytes)).toBe(true);
        expect(message.isEnd).toBe(isEnd);
      }),
    );
  });

  it('reads `value` where there is no `raw_value`', () => {
    const headers = [
      { key: 'a', value: 'text' },
      { key: 'b', raw_value: Buffer.from('bytes') },
    ];
    const { message } = decodeMessage(encode({ request_headers: { headers: { headers } } }));
    if (message.kind !== 'request-headers') throw new Error(message.kind);
    expect([message.headers.get('a'), message.headers.get('b'), message.headers.get('c')]).toEqual([
      'text',
      'bytes',
      undefined,
    ]);
  });

  const hint = (value: object): Buffer =>
    encode({
      request_headers: {},
      metadata_context: {
        filter_metadata: {
          other: { fields: {} },
          'envoy.lb.subset_hint': { fields: { 'x-gateway-destination-endpoint-subset': value } },
        },
      },
    });
  const text = (stringValue: string) => ({ stringValue });

  it.each([
    ['a list', { listValue: { values: [text('10.0.0.1:80'), text('[::1]:80')] } }, ['10.0.0.1:80', '[::1]:80']],
    ['one string', text(' 10.0.0.1:80,10.0.0.2 '), ['10.0.0.1:80', '10.0.0.2']],
    ['an empty list', { listValue: { values: [] } }, []],
    ['an empty string', text(''), []],
    ['something else', { numberValue: 7 }, []],
  ])('reads a subset hint that is %s', (_what, value, expected) => {
    expect(decodeMessage(hint(value)).context.subset()).toEqual(expected);
  });

  it('finds no hint and no served endpoint where there is none', () => {
    const { context } = decodeMessage(encode({ request_headers: {}, metadata_context: {} }));
    expect([context.subset(), context.served(), context.protocol]).toEqual([null, null, null]);
  });

  it('skips fields it does not know, of every wire type', () => {
    const extra = Buffer.concat([
      Buffer.from([0xa0, 0x06, 0x96, 0x01]), // 100: varint
      Buffer.from([0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8]), // 100: 64 bits
      Buffer.from([0xa2, 0x06, 2, 9, 9]), // 100: bytes
      Buffer.from([0xa5, 0x06, 1, 2, 3, 4]), // 100: 32 bits
    ]);
    const { message } = decodeMessage(Buffer.concat([extra, encode({ request_body: { end_of_stream: true } }), extra]));
    expect(message).toMatchObject({ kind: 'request-body', isEnd: true });
  });

  it('fails by its code and nothing else on random bytes', () => {
    const whole = encode({
      request_headers: { headers: { headers: [{ key: ':path', raw_value: Buffer.from('/') }] } },
      metadata_context: { filter_metadata: { 'envoy.lb.subset_hint': { fields: { a: { stringValue: 'b' } } } } },
      protocol_config: { request_body_mode: 4 },
    });
    const damaged = fc
      .tuple(fc.nat(whole.length), fc.uint8Array({ maxLength: 8 }), fc.nat(whole.length))
      .map(([from, bytes, to]) => Buffer.concat([whole.subarray(0, from), bytes, whole.subarray(to)]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
        try {
          const { context } = decodeMessage(Buffer.from(bytes));
          context.subset();
          context.served();
        } catch (failure) {
          if (!(failure instanceof SidecarError) || failure.code !== 'invalid-argument') throw failure;
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('encoding', () => {
  it('writes a pick that an independent decoder reads', () => {
    const destination = '10.0.0.1:80';
    const change = { destination, set: { a: destination, b: 'ü' }, remove: ['c', 'd'] };
    const option = (key: string, value: string) => ({
      header: { key, raw_value: Buffer.from(value) },
      append_action: 2,
    });
    const reply = decodedReply({ kind: 'continue', part: 'request-headers', change });
    expect(reply).toMatchObject({
      response: 'request_headers',
      request_headers: { response: { clear_route_cache: true } },
      dynamic_metadata: {
        fields: {
          'envoy.lb': {
            structValue: { fields: { 'x-gateway-destination-endpoint': { stringValue: destination } } },
          },
        },
      },
    });
    const mutation: unknown = Reflect.get(
      Reflect.get(Reflect.get(reply, 'request_headers'), 'response'),
      'header_mutation',
    );
    expect(mutation).toMatchObject({ remove_headers: expect.arrayContaining(['c', 'd']) });
    const set: unknown = Reflect.get(Object(mutation), 'set_headers');
    expect(set).toEqual(expect.arrayContaining([option('a', destination), option('b', 'ü')]));
  });

  it.each([
    ['request-body', 'request_body'],
    ['response-body', 'response_body'],
  ] as const)('writes pieces of a %s byte for byte', (part, field) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000 }), fc.boolean(), (bytes, isEnd) => {
        const body = Buffer.from(bytes);
        const streamed_response = {
          ...(body.length > 0 ? { body } : {}),
          ...(isEnd ? { end_of_stream: true } : {}),
        };
        expect(decodedReply({ kind: 'piece', part, bytes: body, isEnd })).toMatchObject({
          [field]: { response: { body_mutation: { streamed_response } } },
        });
      }),
      { numRuns: 50 },
    );
  });

  it.each(['request-headers', 'request-body', 'response-headers', 'response-body'] as const)(
    'lets a %s on with an empty CommonResponse',
    (part) => {
      const field = part.replace('-', '_');
      expect(decodedReply({ kind: 'continue', part, change: null })).toEqual({
        [field]: { response: {} },
        response: field,
      });
    },
  );

  it('writes trailers and answers of its own', () => {
    expect(decodedReply({ kind: 'trailers', part: 'response-trailers', destination: null })).toEqual({
      response_trailers: {},
      response: 'response_trailers',
    });
    expect(decodedReply({ kind: 'trailers', part: 'request-trailers', destination: 'a:1' })).toMatchObject({
      request_trailers: {},
      dynamic_metadata: { fields: { 'envoy.lb': {} } },
    });
    const body = 'x'.repeat(3_000);
    expect(
      decodedReply({ kind: 'immediate', httpStatus: 429, headers: { 'retry-after': '3' }, body, details: 'why' }),
    ).toMatchObject({
      immediate_response: {
        status: { code: 429 },
        headers: { set_headers: [{ header: { key: 'retry-after', raw_value: Buffer.from('3') }, append_action: 2 }] },
        body: Buffer.from(body),
        details: 'why',
      },
    });
  });
});
