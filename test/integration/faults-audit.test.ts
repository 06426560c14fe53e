import { describe, expect, it } from '@jest/globals';
import { createChatTraffic, seededText, sendChat } from '../support/app-chat.ts';
import { runCommandLine } from '../support/command-line.ts';
import { readJson } from '../support/http.ts';
import { otherTemplate } from '../support/other-template.ts';
import { appConfig, type RunningApp, type RunningEngine, runApp, runEngine } from '../support/running-app.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Endpoints {
  readonly endpoints: readonly {
    readonly trust: string;
    readonly trustReason: string | null;
    readonly audit: Readonly<Record<string, unknown>>;
  }[];
}

const reportOf = async (app: RunningApp): Promise<Endpoints['endpoints'][number] | undefined> =>
  (await readJson<Endpoints>(await fetch(`${app.admin}/api/v1/endpoints`))).endpoints[0];

/** Sends chats one after the other and returns the last decision's id. */
const converse = async (app: RunningApp, engine: RunningEngine, requests: number, seed = 1): Promise<string> => {
  const traffic = createChatTraffic(seed);
  let decision = '';
  for (let i = 0; i < requests; i += 1) {
    const { messages, onAnswer } = traffic.next();
    const turn = await sendChat(app.proxy, { messages });
    decision = turn.decision;
    onAnswer(turn.text);
    await app.settled(engine);
  }
  return decision;
};

describe('the audit', () => {
  it('finds every prediction right under load that evicts', async () => {
    await using engine = await runEngine({ blocks: 200 });
    await using app = await runApp(appConfig([engine]));
    await converse(app, engine, 60);
    expect(await reportOf(app)).toMatchObject({
      trust: 'exact',
      audit: { requests: 60, exact: 60, overTokens: 0, underTokens: 0, drift: null },
    });
  });

  it('finds a template that differs, and says so in trust, explain, metrics and doctor', async () => {
    await using folder = await temporaryFolder({});
    await using engine = await runEngine();
    const [pool] = appConfig([engine]).pools;
    const pools = [{ ...pool, tokenizer: await otherTemplate(folder.path) }];
    await using app = await runApp(appConfig([], { pools }));
    const decision = await converse(app, engine, 20);

    expect(await reportOf(app)).toMatchObject({
      trust: 'degraded',
      trustReason: 'drift: tokenization',
      audit: { drift: 'tokenization', requests: 20 },
    });
    expect((await runCommandLine('explain', '--admin', app.admin, decision)).output).toContain(
      'the prediction missed because: prompt-tokens',
    );
    const metrics = await (await fetch(`${app.admin}/metrics`)).text();
    expect(metrics).toMatch(/^warmroute_prediction_drifts_total\{[^}]*cause="tokenization"[^}]*\} 1$/m);
    expect(metrics).toMatch(/^warmroute_prediction_drift_ratio\{[^}]*\} 0?\.?[0-9]+$/m);
    const doctor = await runCommandLine('doctor', '--admin', app.admin);
    expect(doctor.exitCode).toBe(1);
    expect(doctor.output).toMatch(/FAIL {2}tiny\/e0 {2}trust: degraded \(drift: tokenization\) → /);
    expect(doctor.output).toMatch(/FAIL {2}tiny\/e0 {2}audit: .*; likely cause: tokenization → /);
    const readyz = await (await fetch(`${app.admin}/readyz`)).text();
    expect(readyz).toContain('e0: degraded (drift: tokenization)');
  });

  it('finds a cache that is emptied behind its back, and trusts again once predictions hold', async () => {
    await using engine = await runEngine();
    await using app = await runApp(appConfig([engine]));
    const chat = { messages: [{ role: 'user', content: seededText(5, 90) }] };
    for (let i = 0; i < 12; i += 1) {
      // Told to the engine alone, and announced by it with the next request only.
      await fetch(`http://${engine.at.address}/reset_prefix_cache`, { method: 'POST' });
      await sendChat(app.proxy, chat);
      await app.settled(engine);
    }
    expect(await reportOf(app)).toMatchObject({ trust: 'degraded', trustReason: 'drift: lost-events' });
    for (let i = 0; i < 17; i += 1) {
      await sendChat(app.proxy, chat);
      await app.settled(engine);
    }
    expect(await reportOf(app)).toMatchObject({ trust: 'exact', audit: { drift: null } });
  });
});
