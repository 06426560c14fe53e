import { seededRandom } from '../../sidecar/core/index.ts';
import { postJson, readJson } from './http.ts';

interface Completion {
  readonly usage: {
    readonly prompt_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number } | null;
  };
  readonly choices: readonly { readonly message: { readonly content: string } }[];
}

/** One chat turn that passed through the proxy. */
export interface Turn {
  readonly endpoint: string;
  readonly decision: string;
  readonly reason: string;
  /** Null where nothing was predicted. */
  readonly predicted: number | null;
  readonly actual: number;
  readonly promptTokens: number;
  readonly text: string;
}

/** Sends a request body for model `tiny` through a proxy and reads what was predicted and what came. */
export const sendChat = async (proxy: string, body: Readonly<Record<string, unknown>>): Promise<Turn> => {
  const answer = await postJson(`${proxy}/v1/chat/completions`, { model: 'tiny', max_tokens: 8, ...body });
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${await answer.text()}`);
  const { usage, choices } = await readJson<Completion>(answer);
  const predicted = answer.headers.get('x-warmroute-cached-tokens');
  return {
    endpoint: answer.headers.get('x-warmroute-endpoint') ?? '',
    decision: answer.headers.get('x-warmroute-decision') ?? '',
    reason: answer.headers.get('x-warmroute-reason') ?? '',
    predicted: predicted === null ? null : Number(predicted),
    actual: usage.prompt_tokens_details?.cached_tokens ?? 0,
    promptTokens: usage.prompt_tokens,
    text: choices[0]?.message.content ?? '',
  };
};

const words = 'apple bread cedar daisy eagle flint grape hazel ivory jolly kayak lemon maple north olive pearl'.split(
  ' ',
);

/** Seeded text of so many words. */
export const seededText = (seed: number, length: number): string => {
  const random = seededRandom(seed);
  return Array.from({ length }, () => words[Math.floor(random() * words.length)]).join(' ');
};

/** A chat load without end: a few conversations that share system prompts, grow, and begin anew. */
export interface ChatTraffic {
  /** The next turn's messages; `onAnswer` takes the answer into the conversation. */
  next(): { readonly messages: readonly unknown[]; readonly onAnswer: (text: string) => void };
}

/** Creates seeded traffic of eight conversations at a time, which begin with one of `systemPrompts` (default 3) texts. */
export const createChatTraffic = (seed: number, systemPrompts = 3): ChatTraffic => {
  const random = seededRandom(seed);
  const text = (length: number): string =>
    Array.from({ length }, () => words[Math.floor(random() * words.length)]).join(' ');
  const systems = Array.from({ length: systemPrompts }, (_, i) => text([60, 45, 80][i % 3] ?? 60));
  const open = () => [{ role: 'system', content: systems[Math.floor(random() * systems.length)] ?? '' }];
  const chats = Array.from({ length: 8 }, open);
  return {
    next: () => {
      const index = Math.floor(random() * chats.length);
      if (random() < 0.15 || (chats[index]?.length ?? 0) > 9) chats[index] = open();
      const messages = [...(chats[index] ?? []), { role: 'user', content: text(3 + Math.floor(random() * 30)) }];
      return {
        messages,
        onAnswer: (content) => {
          chats[index] = [...messages, { role: 'assistant', content }];
        },
      };
    },
  };
};
