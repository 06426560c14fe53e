import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from '@jest/globals';
import { createDetokenizer, createWordSource, tinyQwenFolder } from '../../../sidecar/simulator/index.ts';
import { parseVocabulary } from '../../../sidecar/simulator/vocabulary.ts';
import { testVocabulary } from '../../support/engine-harness.ts';
import { readRecording } from '../../support/engine-recordings.ts';

const readModelFile = (name: string) => JSON.parse(readFileSync(`${tinyQwenFolder}/${name}`, 'utf8'));
const tokenizer = new Tokenizer(readModelFile('tokenizer.json'), readModelFile('tokenizer_config.json'));
const encode = (text: string): readonly number[] => tokenizer.encode(text, { add_special_tokens: false }).ids;

const decode = (tokenIds: readonly number[]): string => tokenIds.map(createDetokenizer(testVocabulary)).join('');

interface RecordedPrompt {
  readonly text?: string;
  readonly render: { readonly token_ids?: readonly number[] };
}

describe('the vocabulary', () => {
  it('turns every recorded prompt back into its text, special tokens aside', () => {
    const prompts = readRecording('tokenize-tiny-qwen.jsonl')
      .split('\n')
      // One recorded body has line separators in it that an earlier tool made line ends of; its pieces are no JSON.
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line): RecordedPrompt => JSON.parse(line))
      .filter(({ text, render }) => text !== undefined && render.token_ids !== undefined);
    expect(prompts.length).toBeGreaterThan(30);
    for (const { text, render } of prompts) {
      const expected = text?.replace(/<\|\w+\|>/g, '');
      expect(decode(render.token_ids ?? [])).toBe(expected);
    }
  });

  it('holds a split character back until its last token', () => {
    const tokenIds = encode('☃');
    const detokenize = createDetokenizer(testVocabulary);
    const texts = tokenIds.map(detokenize);
    expect(tokenIds.length).toBeGreaterThan(1);
    expect(texts).toEqual([...tokenIds.slice(1).map(() => ''), '☃']);
  });

  it('has words that the tokenizer gives back one by one', () => {
    const { bareWords, spacedWords } = testVocabulary;
    expect(Math.min(bareWords.length, spacedWords.length)).toBeGreaterThan(1000);
    for (const tokenId of [...bareWords, ...spacedWords]) expect(encode(decode([tokenId]))).toEqual([tokenId]);
  });

  it('gives no bytes for ids that do not exist', () => {
    expect(testVocabulary.bytesOf(999_999)).toHaveLength(0);
  });

  it('is refused where there is none', () => {
    expect(() => parseVocabulary('{"model":{}}')).toThrow('[tokenizer-unavailable]');
  });
});

describe('generated words', () => {
  const generate = (prompt: string, options: { readonly seed?: number; readonly choice?: number } = {}) => {
    const source = createWordSource(testVocabulary, options.seed ?? 0);
    const nextToken = source({ promptTokenIds: Int32Array.from(encode(prompt)), choice: options.choice ?? 0 });
    return Array.from({ length: 40 }, (_, index) => nextToken(index));
  };

  it('are the same for the same prompt, seed and choice, and others otherwise', () => {
    const first = generate('a prompt');
    expect(generate('a prompt')).toEqual(first);
    const others = [generate('b prompt'), generate('a prompt', { seed: 1 }), generate('a prompt', { choice: 1 })];
    expect(new Set([first, ...others].map((tokenIds) => tokenIds.join())).size).toBe(4);
  });

  it('are tokenized back to themselves in the next turn of a chat', () => {
    const opening = '<|im_start|>assistant\n';
    for (let turn = 0; turn < 50; turn++) {
      const prompt = `<|im_start|>user\nquestion ${turn}<|im_end|>\n${opening}`;
      const answer = generate(prompt);
      const next = encode(`${prompt}${decode(answer)}<|im_end|>\n<|im_start|>user\n`);
      const from = encode(prompt).length;
      expect(next.slice(from, from + answer.length)).toEqual(answer);
    }
  });

  it('begin with a space unless they begin a line', () => {
    expect(decode(generate('some text'))).toMatch(/^( [a-z]+){40}$/);
    expect(decode(generate('a line\n'))).toMatch(/^[a-z]+( [a-z]+){39}$/);
  });
});
