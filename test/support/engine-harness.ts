import { Subscriber } from 'zeromq';
import type { Engine, EngineTokenizer, Vocabulary } from '../../sidecar/simulator/index.ts';
import { loadTinyQwenVocabulary } from '../../sidecar/simulator/index.ts';

/** A live message of an engine, by frame. */
interface LiveMessage {
  readonly topic: Buffer;
  readonly sequenceBytes: Buffer;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** Collects an engine's event messages in order of arrival. */
export interface EventTap extends AsyncDisposable {
  readonly messages: readonly LiveMessage[];
  /** Resolves when `count` messages have arrived. */
  received(count: number): Promise<readonly LiveMessage[]>;
}

/** Subscribes to an engine's events; resolves when the engine knows of it, so that nothing is missed. */
export const tapEvents = async (engine: Engine, eventsAddress: string, rank = 0): Promise<EventTap> => {
  const socket = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
  const messages: LiveMessage[] = [];
  let waiting: (() => void)[] = [];
  socket.connect(eventsAddress);
  socket.subscribe('');
  await engine.subscribed(1, rank);
  const collect = async () => {
    for await (const [topic, sequenceBytes, payload] of socket) {
      if (topic === undefined || sequenceBytes === undefined || payload === undefined) continue;
      messages.push({ topic, sequenceBytes, sequence: Number(sequenceBytes.readBigUInt64BE()), payload });
      const resumed = waiting;
      waiting = [];
      for (const resume of resumed) resume();
    }
  };
  void collect();
  return {
    messages,
    received: async (count) => {
      while (messages.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
      return messages;
    },
    [Symbol.asyncDispose]: async () => socket.close(),
  };
};

const promptsOf = (body: unknown): readonly Int32Array[] | null => {
  const prompt: unknown = typeof body === 'object' && body !== null && 'prompt' in body ? body.prompt : null;
  if (!Array.isArray(prompt)) return null;
  return Array.isArray(prompt[0]) ? prompt.map((each) => Int32Array.from(each)) : [Int32Array.from(prompt)];
};

/** The embedded model's vocabulary, read once. */
export const testVocabulary: Vocabulary = await loadTinyQwenVocabulary();

/** Takes prompts that are token ids already; other prompts are unknown to it. */
export const tokenIdTokenizer: EngineTokenizer = {
  vocabulary: testVocabulary,
  encode: ({ body }, { loraName }) => {
    const prompts = promptsOf(JSON.parse(Buffer.from(body).toString()));
    if (prompts === null) return { kind: 'unknown', why: 'only token ids are understood here' };
    const identity = { loraName, salt: null, multimodal: [] };
    return {
      kind: 'encoded',
      path: 'exact',
      sequences: prompts.map((tokenIds) => ({ tokenIds, identity, isWhole: true })),
    };
  },
};
