import { describe, expect, it } from '@jest/globals';
import { seededText, sendChat } from '../support/app-chat.ts';
import { appConfig, runApp, runEngine } from '../support/running-app.ts';

const chat = (seed: number) => ({ messages: [{ role: 'user', content: seededText(seed, 80) }] });

describe('a call through the proxy that empties the cache', () => {
  it.each([
    '/reset_prefix_cache',
    '/reset_prefix_cache?reset_running_requests=true',
    '/sleep?level=1',
    '/pause?clear_cache=true',
  ])('%s is known at once, before the engine tells', async (path) => {
    await using engine = await runEngine();
    await using app = await runApp(appConfig([engine]));
    await sendChat(app.proxy, chat(1));
    await app.settled(engine);
    const again = await sendChat(app.proxy, chat(1));
    expect(again.predicted).toBe(again.actual);
    expect(again.actual).toBeGreaterThan(0);
    await app.settled(engine);

    expect((await fetch(`${app.proxy}${path}`, { method: 'POST' })).status).toBe(200);
    if (!path.startsWith('/reset')) {
      await fetch(`${app.proxy}${path.startsWith('/sleep') ? '/wake_up' : '/resume'}`, { method: 'POST' });
    }
    const first = await sendChat(app.proxy, chat(1));
    expect(first).toMatchObject({ predicted: 0, actual: 0 });
    await app.settled(engine);
    const second = await sendChat(app.proxy, chat(1));
    expect(second).toMatchObject({ predicted: second.actual, actual: again.actual });
  });

  it('clears nothing where the engine refused it', async () => {
    await using engine = await runEngine();
    await using app = await runApp(appConfig([engine]));
    await sendChat(app.proxy, chat(1));
    await app.settled(engine);
    expect((await fetch(`${app.proxy}/reset_prefix_cache`)).status).not.toBe(200);
    const again = await sendChat(app.proxy, chat(1));
    expect(again.predicted).toBe(again.actual);
  });
});
