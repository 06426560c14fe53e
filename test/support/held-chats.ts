import { readJson } from './http.ts';
import type { RunningApp, RunningEngine } from './running-app.ts';

interface Recorded {
  readonly endpoint: string;
  readonly reason: string;
  readonly predictedCachedTokens: number;
}

/** One chat sent through a gateway, and what became of it. */
export interface AskedChat {
  readonly status: number;
  /** Engines that served it. */
  readonly by: readonly string[];
  /** Tokens that the engine had cached, null where it did not answer. */
  readonly cachedTokens: number | null;
  /** The decision that the sidecar took last. */
  readonly decision: Recorded | undefined;
}

/** Chats through a gateway whose sidecar and engines run in this process; each claims to have picked its endpoint itself. */
export interface HeldChats {
  send(url: string, content: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  ask(url: string, content: string, headers?: Readonly<Record<string, string>>): Promise<AskedChat>;
  /** Ten chats that the engines have seen, by turns; each with the engine that holds it. */
  askHeld(url: string, prefix: string): Promise<readonly { readonly holder: string; readonly asked: AskedChat }[]>;
}

const cachedTokensOf = (text: string): number => {
  const { usage }: { readonly usage: { readonly prompt_tokens_details: { readonly cached_tokens: number } } } =
    JSON.parse(text);
  return usage.prompt_tokens_details.cached_tokens;
};

/** Creates the chats. */
export const createHeldChats = (options: {
  readonly engines: readonly RunningEngine[];
  readonly app: RunningApp;
}): HeldChats => {
  const { engines, app } = options;
  const served = (): ReadonlyMap<string, number> =>
    new Map(engines.map(({ engine, at }) => [at.address, engine.counters().finishedRequests]));

  const send: HeldChats['send'] = (url, content, headers = {}) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-gateway-destination-endpoint': '127.0.0.1:1', ...headers },
      // A system prompt of its own, so that not all share their first block.
      body: JSON.stringify({ model: 'tiny', max_tokens: 2, messages: [{ role: 'system', content }] }),
    });

  const ask: HeldChats['ask'] = async (url, content, headers) => {
    const before = served();
    const response = await send(url, content, headers);
    const text = await response.text();
    const { decisions } = await readJson<{ decisions: readonly Recorded[] }>(
      await fetch(`${app.admin}/api/v1/decisions?limit=1`),
    );
    return {
      status: response.status,
      by: [...served()].filter(([address, count]) => count > (before.get(address) ?? 0)).map(([address]) => address),
      cachedTokens: response.ok ? cachedTokensOf(text) : null,
      decision: decisions[0],
    };
  };

  return {
    send,
    ask,
    askHeld: async (url, prefix) => {
      const chats = Array.from({ length: 10 }, (_, index) => ({
        content: `${prefix} ${index}. ${'It goes on and on. '.repeat(20)}`,
        holder: engines[index % engines.length],
      }));
      for (const { content, holder } of chats) {
        if (holder === undefined) throw new Error('there are no engines');
        await (await send(`http://${holder.at.address}`, content)).text();
        await app.settled(holder);
      }
      const asked = [];
      for (const { content, holder } of chats)
        asked.push({ holder: holder?.at.address ?? '', asked: await ask(url, content) });
      return asked;
    },
  };
};
