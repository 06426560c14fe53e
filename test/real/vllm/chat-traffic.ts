import { seededRandom } from '../../../sidecar/core/index.ts';

/** One request body for vLLM, and what kind of case it is. */
export interface TrafficRequest {
  readonly kind: 'chat' | 'message' | 'response' | 'salted' | 'exact-blocks';
  readonly path: '/v1/chat/completions' | '/v1/messages' | '/v1/responses' | '/v1/completions';
  readonly body: Record<string, unknown>;
  /** Takes the answer into the conversation. */
  readonly onAnswer: (text: string) => void;
}

/** A completion of `count` token ids from `first` on, which no request of {@link chatTraffic} begins with. */
export const tokenRequest = (first: number, count: number): TrafficRequest => ({
  kind: 'exact-blocks',
  path: '/v1/completions',
  body: {
    model: 'tiny',
    prompt: Array.from({ length: count }, (_, position) => first + position),
    max_tokens: 2,
    temperature: 0,
  },
  onAnswer: () => {},
});

const words = 'red blue round flat wood iron glass stone river hill road bridge house tower garden field'.split(' ');

/**
 * An endless, seeded mix for a model named `tiny`: growing chats that share system prompts, salted ones, and prompts of
 * an exact multiple of the block size (32). Of three chats one has Anthropic's shape and one is of the Responses API where
 * `mixesApis` says so. Chats are restarted before they reach the model's length.
 */
export function* chatTraffic(
  seed: number,
  { mixesApis = false }: { readonly mixesApis?: boolean } = {},
): Generator<TrafficRequest, never> {
  const random = seededRandom(seed);
  const text = (count: number): string =>
    Array.from({ length: count }, () => words[Math.floor(random() * words.length)]).join(' ');
  const systems = Array.from({ length: 4 }, () => text(120));
  const open = (index: number) => [{ role: 'system', content: systems[index % systems.length] ?? '' }];
  const chats = Array.from({ length: 14 }, (_, index) => open(index));
  for (;;) {
    const dice = random();
    if (dice < 0.1) {
      const blocks = 1 + Math.floor(random() * 6);
      const first = 100 + Math.floor(random() * 4);
      const prompt = Array.from({ length: 32 * blocks }, (_, position) => first + position);
      const body = { model: 'tiny', prompt, max_tokens: 2, temperature: 0 };
      yield { kind: 'exact-blocks', path: '/v1/completions', body, onAnswer: () => {} };
      continue;
    }
    const index = Math.floor(random() * chats.length);
    let messages = chats[index] ?? open(index);
    if (JSON.stringify(messages).length > 4500) messages = open(index);
    messages = [...messages, { role: 'user', content: text(8 + Math.floor(random() * 40)) }];
    chats[index] = messages;
    const options = { model: 'tiny', max_tokens: 1 + Math.floor(random() * 40), temperature: 0 };
    const onAnswer = (answer: string): void => {
      chats[index] = [...messages, { role: 'assistant', content: answer }];
    };
    if (mixesApis && index % 3 === 1) {
      const { max_tokens: max_output_tokens, ...others } = options;
      const body = { ...others, max_output_tokens, input: messages, store: false };
      yield { kind: 'response', path: '/v1/responses', body, onAnswer };
      continue;
    }
    if (mixesApis && index % 3 === 2) {
      const [system, ...said] = messages;
      const body = { ...options, system: system?.content, messages: said };
      yield { kind: 'message', path: '/v1/messages', body, onAnswer };
      continue;
    }
    const isSalted = dice < 0.25;
    const body = { ...options, messages, ...(isSalted ? { cache_salt: `tenant-${index % 3}` } : {}) };
    yield { kind: isSalted ? 'salted' : 'chat', path: '/v1/chat/completions', body, onAnswer };
  }
}
