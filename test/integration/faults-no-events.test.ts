import { describe, expect, it } from '@jest/globals';
import type { LogFields, Logger } from '../../sidecar/core/index.ts';
import { defaultTiming } from '../../sidecar/events/index.ts';
import { seededText, sendChat } from '../support/app-chat.ts';
import { readJson } from '../support/http.ts';
import { appConfig, runApp, runEngine } from '../support/running-app.ts';

interface Readiness {
  readonly ready: boolean;
  readonly conditions: readonly { readonly name: string; readonly isMet: boolean; readonly detail: string }[];
}

const chat = (seed: number) => ({ messages: [{ role: 'user', content: seededText(seed, 80) }] });

/** Keeps the lines of one level. */
const collectWarnings = (): { readonly logger: Logger; readonly warnings: readonly [string, LogFields][] } => {
  const warnings: [string, LogFields][] = [];
  const at = (inherited: LogFields): Logger => ({
    error: () => {},
    warn: (message, fields = {}) => warnings.push([message, { ...inherited, ...fields }]),
    info: () => {},
    debug: () => {},
    child: (fields) => at({ ...inherited, ...fields }),
  });
  return { logger: at({}), warnings };
};

describe('an endpoint whose events never come', () => {
  it('is given five seconds by default', () => {
    expect(defaultTiming.staleAfterMs).toBe(5000);
  });

  it('is routed by own history; log, metric and readiness say so', async () => {
    await using engine = await runEngine();
    const [pool] = appConfig([engine]).pools;
    const pools = [
      { ...pool, discovery: { static: [{ name: 'e0', address: engine.at.address, events: 'tcp://127.0.0.1:9' }] } },
    ];
    const { logger, warnings } = collectWarnings();
    await using app = await runApp(appConfig([], { pools }), { logger, streamTiming: { staleAfterMs: 200 } });
    const [runtime] = app.app.pools();
    await app.until(() => runtime?.streams.statuses()[0]?.state === 'stale');

    await sendChat(app.proxy, chat(1));
    const again = await sendChat(app.proxy, chat(1));
    expect(again.reason).toBe('approximate');
    expect(again.actual).toBeGreaterThan(0);

    expect(warnings.filter(([message]) => message.startsWith('no events from endpoint'))).toHaveLength(1);
    const metrics = await (await fetch(`${app.admin}/metrics`)).text();
    expect(metrics).toMatch(/^warmroute_endpoint_trust\{[^}]*endpoint="tiny\/e0"[^}]*\} 0$/m);
    expect(metrics).toMatch(/^warmroute_event_stream_state\{[^}]*endpoint="tiny\/e0"[^}]*\} 2$/m);
    const readyz = await fetch(`${app.admin}/readyz`);
    expect(readyz.status).toBe(200);
    const { conditions } = await readJson<Readiness>(readyz);
    expect(conditions.find(({ name }) => name === 'trust')).toEqual({
      name: 'trust',
      isMet: true,
      detail: 'e0: fallback (not-connected)',
    });
  });

  it('though connected and served, is found out by its traffic', async () => {
    await using engine = await runEngine({ replayAddress: null });
    await engine.engine.setFaults({ drop: 1 });
    await using app = await runApp(appConfig([engine]), { streamTiming: { staleAfterMs: 200 } });
    const [runtime] = app.app.pools();
    await engine.engine.subscribed(1);
    await sendChat(app.proxy, chat(1));
    await app.until(() => runtime?.streams.statuses()[0]?.state === 'stale');
    expect(runtime?.streams.statuses()[0]).toMatchObject({ trust: 'fallback', reason: 'silent' });
    expect(await sendChat(app.proxy, chat(1))).toMatchObject({ reason: 'approximate' });
  });
});
