import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { json } from '../../support/scripted-engine.ts';
import { type BehindEnvoy, type BehindEnvoyOptions, startBehindEnvoy } from './behind-envoy.ts';
import { send, sendings } from './clients.ts';
import { envoyExecutable } from './envoy-server.ts';

const executable = envoyExecutable('1.40.0');
if (executable === null) console.log('SKIPPED envoy: test/real/envoy/install.sh has not been run');

const sizes = [0, 1, 65_535, 65_536, 65_537, 220_000, 5_000_000, 33_554_432];

const full = 'request_body_mode: FULL_DUPLEX_STREAMED';
const buffering = [
  ['per_connection_buffer_limit_bytes: 32768', 'per_connection_buffer_limit_bytes: 16777216'],
  ['failure_mode_allow: false', 'failure_mode_allow: false\n              message_timeout: 5s'],
] as const;

interface Arrangement extends Omit<BehindEnvoyOptions, 'answer'> {
  readonly name: string;
  /** Whether routing sees whole bodies, up to the limit of 32 MiB. */
  readonly seesAll: boolean;
  /** Whether Envoy buffers bodies. */
  readonly buffers?: true;
  /** Longest body that Envoy itself takes in this arrangement. */
  readonly longestBytes?: number;
}

const arrangements: readonly Arrangement[] = [
  { name: 'full duplex, override_host', manifest: 'extproc-override-host', seesAll: true },
  { name: 'full duplex, ORIGINAL_DST', manifest: 'extproc-original-dst', seesAll: true },
  { name: 'request only', manifest: 'extproc-request-only', seesAll: true },
  {
    name: 'full duplex, closed after the request',
    manifest: 'extproc-override-host',
    gateway: { endsAfterRequest: true },
    seesAll: true,
  },
  { name: 'fail-open, BUFFERED_PARTIAL', manifest: 'extproc-fail-open', buffers: true, seesAll: false },
  {
    name: 'BUFFERED',
    buffers: true,
    manifest: 'extproc-request-only',
    edits: [[full, 'request_body_mode: BUFFERED'], ...buffering],
    longestBytes: 5_000_000,
    seesAll: true,
  },
  {
    name: 'STREAMED',
    manifest: 'extproc-request-only',
    edits: [[full, 'request_body_mode: STREAMED']],
    seesAll: false,
  },
  { name: 'NONE', manifest: 'extproc-request-only', edits: [[full, 'request_body_mode: NONE']], seesAll: false },
  { name: 'ext_authz', manifest: 'ext-authz-override-host', seesAll: false },
];

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const bodyOf = (bytes: number): Buffer => {
  const body = Buffer.alloc(bytes);
  for (let position = 0; position < bytes; position += 1) body[position] = (position * 31 + (position >>> 8)) & 0xff;
  return body;
};
const bodies = sizes.map(bodyOf);

const describeReal = executable === null ? describe.skip : describe;

describeReal.each(arrangements)('bodies through Envoy: $name', (arrangement) => {
  let behind: BehindEnvoy;

  beforeAll(async () => {
    if (executable === null) return;
    // A machine under load may need longer for 5 MB than the 200 ms that a decision gets.
    const gateway = { ...arrangement.gateway, decisionTimeoutMs: 5_000 };
    behind = await startBehindEnvoy(executable, { ...arrangement, gateway, answer: json({ ok: true }) });
  });
  afterAll(async () => behind?.[Symbol.asyncDispose]());

  it.each(sendings)('reach the pick byte for byte, %s', async (sending) => {
    for (const body of bodies.filter(({ length }) => length <= (arrangement.longestBytes ?? length))) {
      const answer = await send({
        address: behind.envoy.address,
        sending,
        body,
        path: '/v1/completions?x=1',
        headers: {
          'x-gateway-destination-endpoint': '127.0.0.1:1',
          'x-gateway-destination-endpoint-subset': '127.0.0.1:1',
          'x-warmroute-reason': 'spoofed',
          traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
          'x-llm-d-inference-objective': 'batch',
        },
      });
      expect([body.length, answer.status]).toEqual([body.length, 200]);
      const received = behind.picked.received.at(-1);
      expect([received?.body.length, hash(received?.body ?? Buffer.alloc(0))]).toEqual([body.length, hash(body)]);
      expect(received?.url).toBe('/v1/completions?x=1');
      // Where Envoy buffers, a body of nothing but trailers leaves only the metadata to name the pick in.
      const isOnlyTrailers = arrangement.buffers === true && sending === 'http1-trailers' && body.length === 0;
      const named = received?.headers['x-gateway-destination-endpoint'];
      expect(named).toBe(isOnlyTrailers ? undefined : behind.picked.address);
      expect(received?.headers['x-gateway-destination-endpoint-subset']).toBeUndefined();
      expect(received?.headers['traceparent']).toBe('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
      expect(received?.headers['x-llm-d-inference-objective']).toBe('batch');
      expect(received?.headers['x-warmroute-reason']).toBeUndefined();
      const asked = behind.router.requests.at(-1);
      expect(asked?.path).toBe('/v1/completions?x=1');
      if (!arrangement.seesAll || body.length === 33_554_432) continue;
      expect([asked?.isBodyComplete, asked?.body?.length ?? 0]).toEqual([true, body.length]);
    }
    expect(behind.picked.received).toHaveLength(behind.router.requests.length);
    expect(behind.other.received).toHaveLength(0);
    await behind.router.closed();
  });

  it.each(sendings)('name the model that a header asks for, %s', async (sending) => {
    const isExtproc = arrangement.manifest !== 'ext-authz-override-host';
    // Elsewhere the body comes too late to be changed.
    const model = isExtproc && (arrangement.seesAll || arrangement.buffers === true) ? 'another-model' : 'asked';
    const contents = { model: 'asked', prompt: 'x'.repeat(220_000), stream: false };
    const headers = { 'x-llm-d-model-name-rewrite': 'another-model' };
    const answer = await send({
      address: behind.envoy.address,
      sending,
      body: Buffer.from(JSON.stringify(contents)),
      headers,
    });
    expect(answer.status).toBe(200);
    const received = behind.picked.received.at(-1)?.body.toString();
    expect(received).toBe(JSON.stringify({ ...contents, model }));
    expect(behind.router.requests.at(-1)?.control?.model).toBe(isExtproc ? 'another-model' : undefined);
  });

  it('are not needed', async () => {
    const answer = await fetch(`${behind.envoy.url}/v1/models`);
    expect(answer.status).toBe(200);
    expect(behind.picked.received.at(-1)).toMatchObject({ method: 'GET', url: '/v1/models' });
    expect(behind.router.requests.at(-1)).toMatchObject({ method: 'GET', path: '/v1/models', body: null });
  });
});
