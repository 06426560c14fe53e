import { describe, expect, it } from '@jest/globals';
import { createChatTraffic, seededText } from '../support/app-chat.ts';
import { postJson, readJson } from '../support/http.ts';
import { appConfig, type RunningEngine, runApp, runEngine } from '../support/running-app.ts';

interface Endpoints {
  readonly endpoints: readonly {
    readonly trust: string;
    readonly trustReason: string | null;
    readonly audit: Readonly<Record<string, unknown>>;
  }[];
}

/** Requests between two comparisons, at least. */
const ROUND = 16;

/** A sidecar that is only asked, in front of one engine: what it learns of answers is what the engine's counters say. */
const runConsulted = async (engine: RunningEngine) => {
  const app = await runApp(appConfig([engine], { scrape: { intervalMs: 20, timeoutMs: 1000 } }));
  const [runtime] = app.app.pools();
  if (runtime === undefined) throw new Error('no pool');
  const scraped = () =>
    new Promise<void>((resolve) => {
      const leave = runtime.pool.onLoad(() => {
        leave();
        resolve();
      });
    });
  return {
    report: async () => (await readJson<Endpoints>(await fetch(`${app.admin}/api/v1/endpoints`))).endpoints[0],
    send: async (messages: readonly unknown[]): Promise<void> => {
      const body = { model: 'tiny', messages, max_tokens: 4 };
      await (await postJson(`${app.consult}/v1/chat/completions`, body)).arrayBuffer();
      await (await postJson(`http://${engine.at.address}/v1/chat/completions`, body)).arrayBuffer();
      await app.settled(engine);
    },
    rest: async (): Promise<void> => {
      for (let scrapes = 0; scrapes < 12; scrapes += 1) await scraped();
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

describe("an audit by the engine's counters, where no answer is seen", () => {
  it('compares from the first request on and finds predictions right', async () => {
    await using engine = await runEngine();
    await using app = await runConsulted(engine);
    const traffic = createChatTraffic(9);
    // A scrape between a decision and its request makes one comparison void; the next counts.
    let checks = 0;
    for (let round = 0; round < 8 && checks < 2; round += 1) {
      for (let i = 0; i < ROUND; i += 1) await app.send(traffic.next().messages);
      await app.rest();
      checks = Number((await app.report())?.audit['counterChecks']);
    }
    expect(checks).toBeGreaterThanOrEqual(2);
    expect(await app.report()).toMatchObject({ trust: 'exact', audit: { requests: 0, drift: null } });
  });

  it('finds a cache that is emptied behind its back, and trusts again once the counters agree', async () => {
    await using engine = await runEngine();
    await using app = await runConsulted(engine);
    const messages = [{ role: 'user', content: seededText(5, 90) }];
    const roundsUntil = async (drift: string | null, beforeEach: () => Promise<unknown>): Promise<number> => {
      for (let round = 1; round <= 8; round += 1) {
        for (let i = 0; i < ROUND; i += 1) {
          await beforeEach();
          await app.send(messages);
        }
        await app.rest();
        if ((await app.report())?.audit['drift'] === drift) return round;
      }
      return Number.POSITIVE_INFINITY;
    };
    // Told to the engine alone, and announced by it with the next request only.
    const emptied = () => fetch(`http://${engine.at.address}/reset_prefix_cache`, { method: 'POST' });
    expect(await roundsUntil('lost-events', emptied)).toBeLessThanOrEqual(8);
    expect(await app.report()).toMatchObject({ trust: 'degraded', trustReason: 'drift: lost-events' });
    expect(await roundsUntil(null, async () => {})).toBeLessThanOrEqual(8);
    expect(await app.report()).toMatchObject({ trust: 'exact', audit: { requests: 0, drift: null } });
  });
});
