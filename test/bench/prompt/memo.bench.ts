/** From a body's bytes to the keys of its blocks, for chats that send their whole past; reading it all is the baseline. */

import { computeBlockKeys, processKeySeed } from '../../../sidecar/kvindex/index.ts';
import {
  createPromptEncoder,
  createRequestReader,
  type PromptEncoder,
  parseRequest,
  type RequestReader,
} from '../../../sidecar/prompt/index.ts';
import type { Benchmark, BenchmarkBody } from '../harness.ts';
import { createChats, englishCorpus } from './chats.ts';
import { qwen3Folder } from './qwen3.ts';

const path = '/v1/chat/completions';
const blockSize = 16;

type Read = RequestReader['read'];

/** What routing does with a body before it asks the index. */
const keysOf = (encoder: PromptEncoder, read: Read, body: Uint8Array): number => {
  const prompt = encoder.encode(read({ path, body, isComplete: true }), { loraName: null });
  if (prompt instanceof Promise || prompt.kind !== 'encoded') throw new Error('no prompt');
  const [sequence] = prompt.sequences;
  if (sequence === undefined) throw new Error('no sequence');
  const options = { blockSize, seed: processKeySeed };
  const keys =
    sequence.blockKeys?.(options) ?? computeBlockKeys(sequence.tokenIds, { ...options, identity: sequence.identity });
  return keys.count;
};

const bodyOf = (messages: readonly object[]): Buffer =>
  Buffer.from(JSON.stringify({ model: 'm', messages, stream: true, temperature: 0.7 }));

const lastTurn = (options: {
  readonly messages: number;
  readonly length: number;
  readonly newLength: number;
}): Benchmark => ({
  name: `last turn of ${options.messages} messages of ${options.length} characters, two new ones of ${options.newLength}`,
  unit: 'turn',
  unitsPerCall: 1,
  setup: async () => {
    const encoder = await createPromptEncoder({ folder: qwen3Folder });
    const reader = createRequestReader();
    const read: Read = (request) => reader.read(request);
    const corpus = englishCorpus();
    let at = 0;
    const text = (length: number): string => {
      at = (at + 7919) % (corpus.length - length);
      return corpus.slice(at, at + length).toWellFormed();
    };
    const roles = ['user', 'assistant'] as const;
    const message = (position: number, length: number) => ({ role: roles[position % 2], content: text(length) });
    const old = Array.from({ length: options.messages - 2 }, (_, position) => message(position, options.length));
    const before = bodyOf(old);
    let body = before;
    const grow = (): void => {
      body = bodyOf([...old, message(old.length, options.newLength), message(old.length + 1, options.newLength)]);
    };
    const whole: BenchmarkBody = {
      name: 'read whole',
      reset: grow,
      run: () => keysOf(encoder, parseRequest, body),
      figures: () => ({ 'KB a body': body.length / 1000 }),
    };
    const remembered: BenchmarkBody = {
      name: 'remembered',
      reset: () => {
        keysOf(encoder, read, before);
        grow();
      },
      run: () => keysOf(encoder, read, body),
      figures: () => ({
        'KB a conversation in memory': reader.figures.memoryBytes / reader.figures.conversations / 1000,
      }),
    };
    const same: BenchmarkBody = { name: 'the same body again', run: () => keysOf(encoder, read, body) };
    return { baseline: whole.name, bodies: [whole, remembered, same] };
  },
});

const mixed: Benchmark = {
  name: 'turns of 300 chats, 8 % regenerated, 60 % with tools',
  unit: 'turn',
  unitsPerCall: 1,
  setup: async ({ isSmoke }) => {
    const encoder = await createPromptEncoder({ folder: qwen3Folder });
    const corpus = englishCorpus();
    const body = (name: string, read: Read, figures: () => Readonly<Record<string, number>>): BenchmarkBody => {
      const chats = createChats({
        conversations: 300,
        messageLength: 1300,
        maxMessages: 40,
        regenerated: 0.08,
        withTools: 0.6,
        corpus,
      });
      let next = chats.nextBody();
      for (let turn = 0; turn < (isSmoke ? 10 : 6000); turn += 1) {
        next = chats.nextBody();
        if (read !== parseRequest) keysOf(encoder, read, next);
      }
      let calls = 0;
      let bytes = 0;
      let cpuUs = 0;
      return {
        name,
        reset: () => {
          next = chats.nextBody();
        },
        run: () => {
          const before = process.threadCpuUsage();
          const keys = keysOf(encoder, read, next);
          const { user, system } = process.threadCpuUsage(before);
          cpuUs += user + system;
          calls += 1;
          bytes += next.length;
          return keys;
        },
        figures: () => ({ 'KB a body': bytes / calls / 1000, 'mean CPU µs': cpuUs / calls, ...figures() }),
      };
    };
    const reader = createRequestReader();
    const bodies = [
      body('read whole', parseRequest, () => ({})),
      body(
        'remembered',
        (request) => reader.read(request),
        () => ({
          'bytes known of all': reader.figures.knownBytes / reader.figures.bytes,
        }),
      ),
    ];
    return { baseline: 'read whole', bodies };
  },
};

export const benchmarks: readonly Benchmark[] = [
  lastTurn({ messages: 41, length: 4000, newLength: 4000 }),
  lastTurn({ messages: 41, length: 4000, newLength: 80 }),
  mixed,
];
