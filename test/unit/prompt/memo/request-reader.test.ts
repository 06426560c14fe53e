import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { computeBlockKeys, processKeySeed } from '../../../../sidecar/kvindex/index.ts';
import { createRequestReader, parseRequest } from '../../../../sidecar/prompt/index.ts';
import type { EncodedPrompt, ParsedRequest } from '../../../../sidecar/prompt/types.ts';
import { RandomChats } from '../../../support/random-chats.ts';
import { tinyQwenEncoder } from '../../../support/tiny-qwen.ts';

const path = '/v1/chat/completions';
const seed = processKeySeed;
/** Turns of the proof; `WARMROUTE_MEMO_TURNS` runs more. */
const turns = Number(process.env['WARMROUTE_MEMO_TURNS'] ?? 1500);

const settled = (prompt: EncodedPrompt | Promise<EncodedPrompt>): EncodedPrompt => {
  if (prompt instanceof Promise) throw new Error('not synchronous');
  return prompt;
};

/** All that routing sees of a prompt. */
const seen = (prompt: EncodedPrompt, blockSizes: readonly number[]) => {
  if (prompt.kind === 'unknown') return prompt;
  return prompt.sequences.map((sequence) => ({
    identity: sequence.identity,
    isWhole: sequence.isWhole,
    certainTokens: sequence.certainTokens,
    tokens: sequence.tokenCount ?? sequence.tokenIds.length,
    keys: blockSizes.map((blockSize) => {
      const made = sequence.blockKeys?.({ blockSize, seed });
      const { identity } = sequence;
      const { count, lo, hi } = made ?? computeBlockKeys(sequence.tokenIds, { blockSize, seed, identity });
      return { count, lo: [...lo.subarray(0, count)], hi: [...hi.subarray(0, count)] };
    }),
    tokenIds: [...sequence.tokenIds],
  }));
};

const withoutPrompt = ({ prompt: _, ...rest }: ParsedRequest) => rest;

describe('requests read by memory', () => {
  it.each([
    { path, template: 'tiny-qwen', isAnthropic: false },
    { path: '/v1/messages', template: 'tiny-qwen', isAnthropic: true },
    { path: '/v1/messages', template: 'system-first', isAnthropic: true },
  ])(
    'are what they are from scratch, whatever clients do to their conversations: $path, $template',
    async (shape) => {
      const { path, template, isAnthropic } = shape;
      const encoder = await tinyQwenEncoder(template);
      const reader = createRequestReader({ maxMemoryBytes: 4_000_000 });
      const chats = new RandomChats({ seed: 5, conversations: 40, longestWords: 60, isAnthropic });
      const different: number[] = [];
      let encodedByTurn = 0;
      for (let turn = 0; turn < turns; turn += 1) {
        const { body, isComplete } = chats.next();
        const request = { path, body, isComplete };
        const remembered = reader.read(request);
        const fresh = parseRequest(request);
        if (remembered.prompt?.turn !== undefined) encodedByTurn += 1;
        const options = { loraName: turn % 7 === 0 ? 'adapter' : null };
        const blockSizes = turn % 11 === 0 ? [16, 48] : [16];
        const a = seen(settled(encoder.encode(remembered, options)), blockSizes);
        const b = seen(settled(encoder.encode(fresh, options)), blockSizes);
        const isSame = isDeepStrictEqual(withoutPrompt(remembered), withoutPrompt(fresh)) && isDeepStrictEqual(a, b);
        if (!isSame) different.push(turn);
      }
      expect(different).toEqual([]);
      const { figures } = reader;
      expect(encodedByTurn).toBeGreaterThan(turns / 2);
      expect(figures.knownTurns).toBeGreaterThan(turns / 3);
      expect(figures.memoryBytes).toBeLessThanOrEqual(4_000_000);
    },
    600_000,
  );

  it.each([
    { text: 'ASCII', content: JSON.stringify('a'.repeat(40_000)), expected: 40_000 },
    { text: 'Latin-1', content: JSON.stringify('é'.repeat(40_000)), expected: 40_000 },
    { text: 'Latin-1, escaped', content: `"${'a'.repeat(40_000)}\\u00e9"`, expected: 40_000 },
    { text: 'ASCII with one dash', content: JSON.stringify(`${'a'.repeat(40_000)}–`), expected: 80_000 },
    { text: 'ASCII with one dash, escaped', content: `"${'a'.repeat(40_000)}\\u2013"`, expected: 80_000 },
    { text: 'Chinese', content: JSON.stringify('中'.repeat(40_000)), expected: 80_000 },
  ])('count $text by the memory that it takes', ({ content, expected }) => {
    const reader = createRequestReader({ maxMemoryBytes: 4_000_000 });
    const body = Buffer.from(`{"model":"m","messages":[{"role":"user","content":${content}}]}`);
    reader.read({ path, body, isComplete: true });
    // Beside the text: the objects of one message and one conversation, and the hashes of its chunks.
    expect(reader.figures.memoryBytes).toBeGreaterThanOrEqual(expected);
    expect(reader.figures.memoryBytes).toBeLessThan(expected + 10_000);
  });
});
