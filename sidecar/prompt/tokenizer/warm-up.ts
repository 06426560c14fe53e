import { seededRandom } from '../../core/index.ts';
import { type BpeCore, INITIAL_INPUT_BYTES } from './core.ts';
import { SHORT_WORD_BYTES } from './short-word-cache.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Entries that the word cache is filled with: half of what it holds, so that texts find room. */
const MAX_WORDS = 1 << 16;

/** Fills the core's word cache with the first entries of the vocabulary, the most frequent in the usual order. */
export const encodeVocabulary = (vocabulary: Vocabulary, core: BpeCore): void => {
  const ends = new Int32Array(INITIAL_INPUT_BYTES);
  const entryBytes = new Uint8Array(SHORT_WORD_BYTES);
  let length = 0;
  let words = 0;
  let taken = 0;
  for (let position = 0; position < vocabulary.size && taken < MAX_WORDS; position += 1) {
    const bytes = vocabulary.writeBytesAt(position, entryBytes);
    if (bytes < 1) continue;
    if (length + bytes > INITIAL_INPUT_BYTES) {
      core.encodeWords(ends, words);
      length = 0;
      words = 0;
    }
    core.input.set(entryBytes.subarray(0, bytes), length);
    length += bytes;
    ends[words++] = length;
    taken += 1;
  }
  core.encodeWords(ends, words);
};

const ALPHABETS = [
  'etaoinshrdlucmfw',
  'etaoinshrdlucmfw',
  '0123456789',
  '.,;:(){}[]<>/*-+=_#"\n\t',
  '的一是了我不在人们有来',
  'éàüñßøçаеиорт',
];

/** About 8 KB of text in several scripts, repeatable by its seed, such that most words are new. */
export const warmUpText = (seed: number): string => {
  const random = seededRandom(seed);
  let text = '';
  while (text.length < 6000) {
    const letters = [...(ALPHABETS[Math.floor(random() * ALPHABETS.length)] ?? '')];
    const length = 1 + Math.floor(random() * 12);
    for (let at = 0; at < length; at += 1) text += letters[Math.floor(random() * letters.length)] ?? '';
    if (random() < 0.8) text += ' ';
  }
  return text;
};
