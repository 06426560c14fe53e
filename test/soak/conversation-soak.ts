import { type BlockKeys, computeBlockKeys, processKeySeed } from '../../sidecar/kvindex/index.ts';
import {
  createPromptEncoder,
  createRequestReader,
  type ParsedRequest,
  type PromptEncoder,
  type PromptRequest,
  parseRequest,
} from '../../sidecar/prompt/index.ts';
import { createChats, englishCorpus } from '../bench/prompt/chats.ts';
import { qwen3Folder } from '../bench/prompt/qwen3.ts';
import { type MemorySample, megabytes, sampleMemory } from './memory.ts';
import { judgeMemory, type Soak, type SoakOptions, sampleEveryMs } from './soak.ts';

const path = '/v1/chat/completions';
const keyOptions = { blockSize: 16, seed: processKeySeed };
const mebibyte = 2 ** 20;
const warmConversations = 1000;
const warmAllowance = 300 * mebibyte;

type Read = (request: PromptRequest) => ParsedRequest;

const keysOf = (encoder: PromptEncoder, read: Read, body: Uint8Array): BlockKeys => {
  const prompt = encoder.encode(read({ path, body, isComplete: true }), { loraName: null });
  if (prompt instanceof Promise || prompt.kind !== 'encoded') throw new Error('the prompt is not encoded at once');
  const [sequence] = prompt.sequences;
  if (sequence === undefined) throw new Error('the prompt has no sequence');
  const { tokenIds, identity } = sequence;
  return sequence.blockKeys?.(keyOptions) ?? computeBlockKeys(tokenIds, { ...keyOptions, identity });
};

const isSame = (a: BlockKeys, b: BlockKeys): boolean =>
  a.count === b.count && a.lo.subarray(0, a.count).every((lo, at) => lo === b.lo[at] && a.hi[at] === b.hi[at]);

/** Takes in 1,000 conversations of 170 KB and returns what they take too much. */
const fillWarm = (encoder: PromptEncoder, corpus: string, print: SoakOptions['print']): readonly string[] => {
  const before = sampleMemory();
  const warm = createRequestReader({ maxMemoryBytes: 2 ** 30 });
  for (let chat = 0; chat < warmConversations; chat += 1) {
    const messages = Array.from({ length: 41 }, (_, turn) => {
      const start = (chat * 7919 + turn * 4099) % (corpus.length - 4100);
      return { role: turn % 2 === 0 ? 'user' : 'assistant', content: corpus.slice(start, start + 4100).toWellFormed() };
    });
    keysOf(encoder, (request) => warm.read(request), Buffer.from(JSON.stringify({ model: 'm', messages })));
  }
  const takenBytes = sampleMemory().usedBytes - before.usedBytes;
  const line = `${warmConversations} conversations of 170 KB: ${megabytes(takenBytes)} MB (estimate ${megabytes(warm.figures.memoryBytes)} MB, allowed ${megabytes(warmAllowance)} MB)`;
  print(line);
  return takenBytes <= warmAllowance ? [] : [line];
};

/**
 * The memory of conversations: first 1,000 of 170 KB that stay warm, then turns of random chats within 64 MB. Holds where both stay
 * within their bounds and every hundredth prompt is what it is from scratch.
 */
export const conversationSoak: Soak = {
  name: 'conversations',
  run: async ({ minutes, print }) => {
    const encoder = await createPromptEncoder({ folder: qwen3Folder });
    const corpus = englishCorpus();
    const tooMuch = fillWarm(encoder, corpus, print);

    const reader = createRequestReader({ maxMemoryBytes: 64 * mebibyte });
    const chats = createChats({
      conversations: 2000,
      messageLength: 1300,
      maxMessages: 40,
      regenerated: 0.1,
      withTools: 0.5,
      corpus,
    });
    const samples: MemorySample[] = [];
    const endMs = performance.now() + minutes * 60_000;
    let nextSampleMs = performance.now();
    let turns = 0;
    let different = 0;
    while (performance.now() < endMs) {
      const body = chats.nextBody();
      const keys = keysOf(encoder, (request) => reader.read(request), body);
      turns += 1;
      if (turns % 100 === 0 && !isSame(keys, keysOf(encoder, parseRequest, body))) different += 1;
      if (performance.now() < nextSampleMs) continue;
      nextSampleMs = performance.now() + sampleEveryMs(minutes);
      samples.push(sampleMemory());
    }
    const { conversations, memoryBytes } = reader.figures;
    print(`${turns} turns, ${conversations} conversations kept (${megabytes(memoryBytes)} MB by estimate)`);
    return [
      ...tooMuch,
      ...(different === 0 ? [] : [`${different} prompts are not what they are from scratch`]),
      ...judgeMemory(samples, { usedBytes: 32 * mebibyte, residentBytes: 96 * mebibyte }, print),
    ];
  },
};
