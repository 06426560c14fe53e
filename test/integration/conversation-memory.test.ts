import { describe, expect, it } from '@jest/globals';
import { seededText, sendChat } from '../support/app-chat.ts';
import { appConfig, runApp, runEngine } from '../support/running-app.ts';

/** A sidecar's own figures after a chat of two turns, by name and labels. */
const figuresAfterTwoTurns = async (maxMemoryBytes: number): Promise<ReadonlyMap<string, number>> => {
  await using engine = await runEngine();
  await using app = await runApp(appConfig([engine], { conversations: { maxMemoryBytes } }));
  const messages = [{ role: 'user', content: seededText(1, 600) }];
  const { text } = await sendChat(app.proxy, { messages });
  const more = [
    { role: 'assistant', content: text },
    { role: 'user', content: seededText(2, 200) },
  ];
  await sendChat(app.proxy, { messages: [...messages, ...more] });
  const page = await (await fetch(`${app.admin}/metrics`)).text();
  return new Map(
    page.split('\n').map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space))];
    }),
  );
};

describe('the memory of conversations', () => {
  it('reads a turn that goes on only where it is new, and shows that in the metrics', async () => {
    const figures = await figuresAfterTwoTurns(1_000_000);
    expect(figures.get('warmroute_conversation_turns_total{outcome="known"}')).toBe(1);
    expect(figures.get('warmroute_conversation_turns_total{outcome="new"}')).toBe(1);
    expect(figures.get('warmroute_conversation_body_bytes_total{source="remembered"}')).toBeGreaterThan(2000);
    expect(figures.get('warmroute_conversations')).toBe(1);
    expect(figures.get('warmroute_conversation_memory_bytes')).toBeGreaterThan(2000);
  });

  it('is off where it may take no memory', async () => {
    const figures = await figuresAfterTwoTurns(0);
    expect(figures.get('warmroute_conversation_turns_total{outcome="new"}')).toBe(0);
    expect(figures.get('warmroute_conversations')).toBe(0);
  });
});
