import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../sidecar/core/index.ts';
import { postJson, readJson } from '../support/http.ts';
import { appConfig, type RunningApp, type RunningEngine, runApp, runEngine } from '../support/running-app.ts';

interface Completion {
  readonly usage: {
    readonly prompt_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
  readonly choices: readonly { readonly message: { readonly content: string } }[];
}

const words = 'apple bread cedar daisy eagle flint grape hazel ivory jolly kayak lemon maple north olive pearl'.split(
  ' ',
);

/** Seeded chats that share system prompts; each `next` is the next turn of one of them, or a new chat in its place. */
const conversations = (seed: number, count: number) => {
  const random = seededRandom(seed);
  const text = (length: number) => Array.from({ length }, () => words[Math.floor(random() * words.length)]).join(' ');
  const systems = [text(60), text(45), text(80)];
  const open = () => [{ role: 'system', content: systems[Math.floor(random() * systems.length)] ?? '' }];
  const chats = Array.from({ length: 12 }, open);
  let begun = chats.length;
  return {
    isOver: () => begun >= count,
    next: () => {
      const index = Math.floor(random() * chats.length);
      if (random() < 0.35 || (chats[index]?.length ?? 0) > 9) {
        chats[index] = open();
        begun += 1;
      }
      const messages = [...(chats[index] ?? []), { role: 'user', content: text(3 + Math.floor(random() * 30)) }];
      const body = {
        model: 'tiny',
        messages,
        max_tokens: 1 + Math.floor(random() * 24),
        ...(index % 5 === 0 ? { cache_salt: `salt-${index}` } : {}),
      };
      return {
        body,
        onAnswer: (content: string) => {
          chats[index] = [...messages, { role: 'assistant', content }];
        },
      };
    },
  };
};

const settleAll = (app: RunningApp, engines: readonly RunningEngine[]) =>
  Promise.all(engines.map((engine) => app.settled(engine)));

describe('predictions behind the proxy', () => {
  it('equal what the engines report, over 500 conversations on engines that evict', async () => {
    await using first = await runEngine({ blocks: 260 });
    await using second = await runEngine({ blocks: 260 });
    const engines = [first, second];
    await using app = await runApp(appConfig(engines));
    const chats = conversations(3, 500);
    const wrong: unknown[] = [];
    let requests = 0;
    let cached = 0;
    while (!chats.isOver()) {
      const { body, onAnswer } = chats.next();
      const answer = await postJson(`${app.proxy}/v1/chat/completions`, body);
      expect(answer.status).toBe(200);
      const { usage, choices } = await readJson<Completion>(answer);
      const actual = usage.prompt_tokens_details.cached_tokens;
      const predicted = answer.headers.get('x-warmroute-cached-tokens');
      const counted = answer.headers.get('x-warmroute-prompt-tokens');
      if (predicted !== String(actual) || counted !== String(usage.prompt_tokens)) {
        wrong.push({ requests, predicted, actual, counted, promptTokens: usage.prompt_tokens });
      }
      onAnswer(choices[0]?.message.content ?? '');
      await settleAll(app, engines);
      requests += 1;
      cached += actual;
    }
    expect(wrong).toEqual([]);
    expect(cached).toBeGreaterThan(20 * requests);
    const metrics = await (await fetch(`${app.admin}/metrics`)).text();
    expect(metrics).toMatch(/warmroute_events_applied_total\{[^}]*kind="block-removed"[^}]*\} [1-9]/);
  }, 120_000);
});
