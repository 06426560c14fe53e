/** Texts to tokenize, made from what the installed packages carry: nothing is downloaded. */

import { globSync, readFileSync, statSync } from 'node:fs';
import { type Random, seededRandom } from '../../../sidecar/core/index.ts';

/** Kinds of text. */
export type TextKind = 'english' | 'code' | 'cjk';

/** Bytes a document, roughly. */
export const DOCUMENT_BYTES = 8192;

const SMALLEST_FILE = 2000;
const LONGEST_TYPICAL_LINE = 80;

/** Contents of the files in node_modules that match, each once, in the order of their paths. */
const filesOf = (patterns: readonly string[], wantedBytes: number): string[] => {
  const seen = new Set<string>();
  let bytes = 0;
  for (const path of globSync(patterns.map((pattern) => `node_modules/**/${pattern}`)).sort()) {
    if (bytes > wantedBytes) break;
    const { size } = statSync(path);
    if (size < SMALLEST_FILE || size > 40 * DOCUMENT_BYTES) continue;
    const text = readFileSync(path, 'utf8');
    if (text.length / text.split('\n').length > LONGEST_TYPICAL_LINE * 2 || seen.has(text)) continue;
    seen.add(text);
    bytes += size;
  }
  return [...seen];
};

const prose = (markdown: string): string =>
  markdown
    .replace(/```[\s\S]*?(```|$)/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/<[^>]*>/g, '');

const cut = (text: string, documents: number): string[] => {
  const pieces: string[] = [];
  for (let at = 0; pieces.length < documents && at < text.length; at += DOCUMENT_BYTES) {
    pieces.push(text.slice(at, at + DOCUMENT_BYTES));
  }
  return pieces;
};

/** Words of the vocabulary in the scripts of China, Japan and Korea, the most frequent first, as a tokenizer's merges have them. */
const cjkWords = (vocabulary: readonly string[]): readonly string[][] =>
  [/^[\u4e00-\u9fff]+$/u, /^[\u3040-\u30ff\u4e00-\u9fff]*[\u3040-\u30ff]+$/u, /^ ?[\uac00-\ud7a3]+$/u].map((script) =>
    vocabulary.filter((word) => script.test(word)),
  );

const PUNCTUATION = ['，', '。', '、', '：', '“', '”', '\n', '2', '10', ' AI '];

/** Sentences of words by Zipf's law; their order is new every time, so that few runs of characters come again. */
const cjkDocument = (scripts: readonly string[][], random: Random): string => {
  const words = scripts[Math.floor(random() * scripts.length)] ?? [];
  let text = '';
  while (text.length * 3 < DOCUMENT_BYTES) {
    const clause = 1 + Math.floor(random() * 6);
    for (let at = 0; at < clause; at += 1) text += words[Math.floor(words.length ** random()) - 1] ?? '';
    text += PUNCTUATION[Math.floor(random() ** 2 * PUNCTUATION.length)] ?? '';
  }
  return text;
};

/** `documents` different texts of about 8 KB. `vocabulary` holds plain words, the most frequent first, for CJK. */
export const textsOf = (
  kind: TextKind,
  options: { readonly documents: number; readonly vocabulary: readonly string[] },
): readonly string[] => {
  const wantedBytes = options.documents * DOCUMENT_BYTES * 2;
  if (kind === 'english')
    return cut(
      filesOf(['*.md'], wantedBytes * 4)
        .map(prose)
        .join('\n'),
      options.documents,
    );
  if (kind === 'code')
    return cut(filesOf(['*.ts', '*.js', '*.py', '*.h', '*.cc'], wantedBytes).join('\n'), options.documents);
  const random = seededRandom(11);
  const scripts = cjkWords(options.vocabulary);
  return Array.from({ length: options.documents }, () => cjkDocument(scripts, random));
};
