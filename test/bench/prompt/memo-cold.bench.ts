/** Long prompts nobody has seen, one every 50 ms: how long others wait meanwhile. */

import { setTimeout as sleep } from 'node:timers/promises';
import { processKeySeed } from '../../../sidecar/kvindex/index.ts';
import { createPromptEncoder, createRequestReader } from '../../../sidecar/prompt/index.ts';
import type { Benchmark } from '../harness.ts';
import { englishCorpus } from './chats.ts';
import { qwen3Folder } from './qwen3.ts';

const path = '/v1/chat/completions';
const promptLength = 100_000;
const everyMs = 50;

const cold: Benchmark = {
  name: 'a prompt of 100 KB never seen before every 50 ms',
  unit: 'prompt',
  unitsPerCall: 1,
  setup: async ({ isSmoke }) => {
    const encoder = await createPromptEncoder({ folder: qwen3Folder });
    const reader = createRequestReader();
    const corpus = englishCorpus();
    const bodies = Array.from({ length: isSmoke ? 2 : 400 }, (_, number) => {
      const start = (number * 104_729) % (corpus.length - promptLength);
      const content = `${number} ${corpus.slice(start, start + promptLength)}`.toWellFormed();
      return Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }));
    });
    let next = 0;
    const encode = async (mayWait: boolean): Promise<void> => {
      const body = bodies[next % bodies.length] ?? Buffer.alloc(0);
      next += 1;
      const pause = sleep(isSmoke ? 0 : everyMs);
      const prompt = await encoder.encode(reader.read({ path, body, isComplete: true }), { loraName: null, mayWait });
      if (prompt.kind !== 'encoded') throw new Error(prompt.why);
      prompt.sequences[0]?.blockKeys?.({ blockSize: 16, seed: processKeySeed });
      await pause;
    };
    return {
      baseline: 'in one go',
      bodies: [
        { name: 'in one go', run: () => encode(false) },
        { name: 'in slices', run: () => encode(true) },
      ],
    };
  },
};

export const benchmarks: readonly Benchmark[] = [cold];
