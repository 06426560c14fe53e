import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { postJson, readJson } from '../support/http.ts';
import { appConfig, type RunningApp, runApp, runEngine } from '../support/running-app.ts';

const chat = (content: string, changes: Readonly<Record<string, unknown>> = {}) => ({
  model: 'tiny',
  messages: [{ role: 'user', content }],
  max_tokens: 4,
  ...changes,
});

const inFlightOf = async (app: RunningApp): Promise<number> => {
  const { endpoints } = await readJson<{ endpoints: { inFlight: { requests: number } }[] }>(
    await fetch(`${app.admin}/api/v1/endpoints`),
  );
  return endpoints.reduce((sum, { inFlight }) => sum + inFlight.requests, 0);
};

describe('an engine that dies', () => {
  it('fails no request but those already streaming from it', async () => {
    await using first = await runEngine({ timeScale: 0.02 });
    await using second = await runEngine({ timeScale: 0.02 });
    await using app = await runApp(appConfig([first, second]));
    let isKilled = false;
    const sent = Array.from({ length: 120 }, async (_, index) => {
      const answer = await postJson(
        `${app.proxy}/v1/chat/completions`,
        chat(`number ${index % 9} ${'word '.repeat(60)}`),
      );
      if (index === 40) {
        isKilled = true;
        await first.engine.kill();
      }
      const text = await answer.text().catch(() => 'cut');
      return { status: answer.status, text, hadBegun: !isKilled || index <= 40 };
    });
    const outcomes = await Promise.all(sent);
    const failed = outcomes.filter(({ status, text }) => status !== 200 || text === 'cut');
    // Non-streaming answers begin when they end: whatever had not begun is answered by the other engine.
    expect(failed.filter(({ status }) => status !== 200)).toEqual([]);
    const afterwards = await Promise.all(
      Array.from({ length: 20 }, (_, index) => postJson(`${app.proxy}/v1/chat/completions`, chat(`after ${index}`))),
    );
    expect(afterwards.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(new Set(afterwards.map(({ headers }) => headers.get('x-warmroute-endpoint')))).toEqual(
      new Set([second.at.address]),
    );
    expect(await inFlightOf(app)).toBe(0);
  });

  it("answers 503 in OpenAI's shape when no engine is left", async () => {
    await using engine = await runEngine();
    await using app = await runApp(appConfig([engine]));
    await engine.engine.kill();
    const proxied = await postJson(`${app.proxy}/v1/chat/completions`, chat('x'));
    expect(proxied.status).toBe(503);
    expect(await readJson(proxied)).toMatchObject({ error: { code: 'no-endpoint', type: 'server_error' } });
    const consulted = await postJson(`${app.consult}/v1/chat/completions`, chat('x'));
    expect(consulted.status).toBe(503);
    expect(consulted.headers.get('x-llm-d-request-dropped-reason')).toBe('rejected-no-endpoints');
  });
});

describe('bodies that are no request', () => {
  it('crash nothing and leak nothing, whatever their bytes', async () => {
    await using engine = await runEngine();
    await using app = await runApp(appConfig([engine]));
    const whole = Buffer.from(
      JSON.stringify(chat('hello there', { tools: [{ type: 'function', function: { name: 'f' } }] })),
    );
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(whole.length).map((end) => Uint8Array.from(whole.subarray(0, end))),
      fc.json().map((text) => Uint8Array.from(Buffer.from(text))),
    );
    await fc.assert(
      fc.asyncProperty(bodies, async (bytes) => {
        const body = Buffer.from(bytes);
        const consulted = await fetch(`${app.consult}/v1/chat/completions`, { method: 'POST', body });
        expect(consulted.status).toBe(200);
        expect(consulted.headers.get('x-gateway-destination-endpoint')).toBe(engine.at.address);
        await consulted.arrayBuffer();
        const proxied = await fetch(`${app.proxy}/v1/chat/completions`, { method: 'POST', body });
        // The engine has the last word on what it takes.
        expect([200, 400]).toContain(proxied.status);
        await proxied.arrayBuffer();
      }),
      { numRuns: 150, seed: 7 },
    );
    const answer = await postJson(`${app.proxy}/v1/chat/completions`, chat('still here'));
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
    const metrics = await (await fetch(`${app.admin}/metrics`)).text();
    expect(metrics).not.toMatch(/requests_total\{[^}]*outcome="internal"/);
  });
});

describe('the proxy', () => {
  it('takes no word of a client for its own', async () => {
    await using engine = await runEngine();
    await using app = await runApp(appConfig([engine]));
    const answer = await fetch(`${app.proxy}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'x-gateway-destination-endpoint': '10.9.9.9:1', 'x-warmroute-cached-tokens': '77' },
      body: JSON.stringify(chat('hello')),
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-warmroute-endpoint')).toBe(engine.at.address);
    expect(answer.headers.get('x-warmroute-cached-tokens')).toBe('0');
  });
});
