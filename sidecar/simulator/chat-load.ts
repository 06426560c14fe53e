import { type Clock, delay, type Random, SidecarError, seededRandom } from '../core/index.ts';

/** Shape of a multi-turn chat load. Sizes are in words of a few characters, times in milliseconds. */
export interface ChatLoadShape {
  readonly conversations: number;
  readonly turns: number;
  /** Different system prompts, shared by the conversations in turn. */
  readonly systemPrompts: number;
  readonly systemWords: number;
  readonly userWords: number;
  readonly answerTokens: number;
  /** Conversations begin evenly over this time. */
  readonly rampMs: number;
  /** Mean pause between an answer's planned time and the next turn; each pause is between half and one and a half. */
  readonly thinkMs: number;
  readonly seed: number;
}

/** What one request of the load met. */
export interface ChatSample {
  readonly conversation: number;
  readonly turn: number;
  readonly status: number;
  /** Milliseconds from sending to the first generated content; null where none came. */
  readonly ttftMs: number | null;
  readonly promptTokens: number;
  /** What the engine reported as cached. */
  readonly cachedTokens: number;
  /** What `x-warmroute-cached-tokens` predicted, null where it was absent. */
  readonly predictedCachedTokens: number | null;
}

/** One message of a chat. */
interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

const vocabulary =
  'order ship price stock wheel brake chain light frame pedal saddle cable spoke valve pump lock bell mirror rack basket return refund repair clean adjust measure deliver collect answer question customer number street city month table paper water simple quick early small green open close local public special common general national social different available important'.split(
    ' ',
  );

const wordsOf = (random: Random, count: number): string =>
  Array.from({ length: count }, () => vocabulary[Math.floor(random() * vocabulary.length)] ?? '').join(' ');

/** When each turn of each conversation is due, in milliseconds from the start; the same for every run of a seed. */
const planTurns = (shape: ChatLoadShape, conversation: number): readonly number[] => {
  const random = seededRandom(shape.seed * 7919 + conversation);
  let atMs = (shape.rampMs * conversation) / shape.conversations;
  return Array.from({ length: shape.turns }, () => {
    const dueMs = atMs;
    atMs += shape.thinkMs * (0.5 + random());
    return dueMs;
  });
};

interface StreamedAnswer {
  readonly status: number;
  readonly ttftMs: number | null;
  readonly text: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly predictedCachedTokens: number | null;
}

interface StreamEvent {
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[];
  readonly usage?: {
    readonly prompt_tokens?: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  } | null;
}

const isStreamEvent = (value: unknown): value is StreamEvent => typeof value === 'object' && value !== null;

const parseEvent = (data: string): StreamEvent => {
  const value: unknown = JSON.parse(data);
  if (!isStreamEvent(value)) throw new SidecarError('upstream-failed', 'a stream event is not an object');
  return value;
};

const ask = async (
  target: { readonly url: string; readonly model: string; readonly clock: Clock; readonly signal: AbortSignal },
  body: { readonly messages: readonly ChatMessage[]; readonly answerTokens: number },
): Promise<StreamedAnswer> => {
  const sentMs = target.clock.now();
  const response = await fetch(`${target.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: target.model,
      messages: body.messages,
      max_tokens: body.answerTokens,
      stream: true,
      stream_options: { include_usage: true },
    }),
    signal: target.signal,
  });
  const predicted = response.headers.get('x-warmroute-cached-tokens');
  let ttftMs: number | null = null;
  let text = '';
  let usage: StreamEvent['usage'] = null;
  let pending = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    pending += decoder.decode(chunk, { stream: true });
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data: ') || line === 'data: [DONE]') continue;
      const event = parseEvent(line.slice(6));
      const content = event.choices?.[0]?.delta?.content ?? '';
      if (content !== '' && ttftMs === null) ttftMs = target.clock.now() - sentMs;
      text += content;
      usage = event.usage ?? usage;
    }
  }
  return {
    status: response.status,
    ttftMs,
    text,
    promptTokens: usage?.prompt_tokens ?? 0,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
    predictedCachedTokens: predicted === null ? null : Number(predicted),
  };
};

/**
 * Sends a seeded multi-turn chat load to `url` and resolves with one sample a request. Turns are due at planned times
 * (a turn waits for the answer before it); answers go into the next prompt. `onSample` sees each sample as it ends.
 */
export const runChatLoad = async (
  shape: ChatLoadShape,
  options: {
    readonly url: string;
    readonly model: string;
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly onSample?: (sample: ChatSample) => void;
  },
): Promise<readonly ChatSample[]> => {
  const { clock, signal, onSample } = options;
  const startMs = clock.now();
  const systems = Array.from({ length: shape.systemPrompts }, (_, index) =>
    wordsOf(seededRandom(shape.seed * 104_729 + index), shape.systemWords),
  );
  const converse = async (conversation: number): Promise<readonly ChatSample[]> => {
    const random = seededRandom(shape.seed * 15_485_863 + conversation);
    const samples: ChatSample[] = [];
    let messages: readonly ChatMessage[] = [{ role: 'system', content: systems[conversation % systems.length] ?? '' }];
    for (const [turn, dueMs] of planTurns(shape, conversation).entries()) {
      await delay(clock, Math.max(0, startMs + dueMs - clock.now()), signal);
      messages = [...messages, { role: 'user', content: wordsOf(random, shape.userWords) }];
      const { text, ...answer } = await ask(options, { messages, answerTokens: shape.answerTokens });
      const sample: ChatSample = { conversation, turn, ...answer };
      samples.push(sample);
      onSample?.(sample);
      messages = [...messages, { role: 'assistant', content: text }];
    }
    return samples;
  };
  const conversations = Array.from({ length: shape.conversations }, (_, index) => converse(index));
  return (await Promise.all(conversations)).flat();
};
