import { AddedTokenTrie } from './added-token-trie.ts';
import { asList, asObject, asString, flag } from './json-shape.ts';
import { toNfc } from './nfc.ts';
import { characterClasses, WHITE } from './unicode/character-classes.ts';
import { CODE_POINTS, forEachRun } from './unicode/runs.ts';
import { wordRuns } from './unicode/unicode-data.ts';
import { characterBefore, codePointAt, widthOf } from './unicode/utf8.ts';
import type { Vocabulary } from './vocabulary.ts';

/** A token found whole in the text before the model sees it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Found only where no word character stands before or after it. */
  readonly isSingleWord: boolean;
  /** Takes the white space before it. */
  readonly stripsLeft: boolean;
  /** Takes the white space after it. */
  readonly stripsRight: boolean;
  /** Looked for after normalization, by its normal form. */
  readonly isNormalized: boolean;
}

/** Receives stretches of text in order; `id` is -1 for text between added tokens. */
export type PieceVisitor = (start: number, end: number, id: number) => void;

/**
 * Reads `added_tokens`. Ids are given as Hugging Face tokenizers does: that of the vocabulary where it has the token,
 * else the next one free, whatever the file says.
 */
export const parseAddedTokens = (value: unknown, vocabulary: Vocabulary): readonly AddedToken[] => {
  const tokens = new Map<string, AddedToken>();
  let nextId = vocabulary.size;
  for (const item of asList(value ?? [], 'added_tokens')) {
    const token = asObject(item, 'added token');
    const content = asString(token['content'], 'content of an added token');
    if (content === '') continue;
    const isSpecial = flag(token, 'special', false);
    tokens.set(content, {
      id: tokens.get(content)?.id ?? vocabulary.idOf(content) ?? nextId++,
      content,
      isSingleWord: flag(token, 'single_word', false),
      stripsLeft: flag(token, 'lstrip', false),
      stripsRight: flag(token, 'rstrip', false),
      isNormalized: flag(token, 'normalized', !isSpecial),
    });
  }
  return [...tokens.values()];
};

/** Splits text at added tokens of one kind: leftmost first, of several the longest. */
export class AddedTokenSplitter {
  readonly #tokens: readonly AddedToken[];
  readonly #trie: AddedTokenTrie;
  readonly #hasFlags: boolean;
  #wordCharacters: Uint8Array | null = null;

  constructor(tokens: readonly AddedToken[], options: { readonly normalizesToNfc: boolean }) {
    this.#tokens = tokens;
    this.#hasFlags = tokens.some((token) => token.isSingleWord || token.stripsLeft || token.stripsRight);
    this.#trie = new AddedTokenTrie(
      tokens.map(({ content, isNormalized }, value) => ({
        bytes: Buffer.from(isNormalized && options.normalizesToNfc ? toNfc(content) : content),
        value,
      })),
    );
  }

  /** Whether there is nothing to split at. */
  get isEmpty(): boolean {
    return this.#tokens.length === 0;
  }

  /**
   * Whether text that ends in one of these tokens is split the same whatever follows, and what follows is split as if it
   * stood alone: no token reaches beyond itself, none lies within another. O(tokens²).
   */
  isSelfContained(): boolean {
    const tokens = this.#tokens;
    return !this.#hasFlags && !tokens.some((a) => tokens.some((b) => a !== b && a.content.includes(b.content)));
  }

  /** Visits all of `text` in order; stretches are never empty. */
  split(text: Uint8Array, visit: PieceVisitor): void {
    let textStart = 0;
    for (let at = this.#trie.nextCandidate(text, 0); at < text.length; at = this.#trie.nextCandidate(text, at)) {
      const found = this.#trie.match(text, at);
      if (found < 0) {
        at += 1;
        continue;
      }
      const end = at + this.#trie.matchedBytes;
      const token = this.#tokens[found];
      if (token !== undefined) textStart = this.#take(text, token, { textStart, start: at, end }, visit);
      at = end;
    }
    if (textStart < text.length) visit(textStart, text.length, -1);
  }

  /** Visits the text before a token and the token, and returns where text goes on. */
  #take(
    text: Uint8Array,
    token: AddedToken,
    place: { readonly textStart: number; readonly start: number; readonly end: number },
    visit: PieceVisitor,
  ): number {
    let { start, end } = place;
    const { textStart } = place;
    if (this.#hasFlags) {
      if (token.isSingleWord && !this.#isApart(text, start, end)) return textStart;
      if (token.stripsLeft) start = Math.max(whiteSpaceBefore(text, start), textStart);
      if (token.stripsRight) end = whiteSpaceAfter(text, end);
    }
    if (textStart < start) visit(textStart, start, -1);
    visit(start, end, token.id);
    return end;
  }

  #isApart(text: Uint8Array, start: number, end: number): boolean {
    this.#wordCharacters ??= wordCharacters();
    if (start > 0 && this.#wordCharacters[codePointAt(text, characterBefore(text, 0, start))] === 1) return false;
    return end >= text.length || this.#wordCharacters[codePointAt(text, end)] !== 1;
  }
}

const wordCharacters = (): Uint8Array => {
  const members = new Uint8Array(CODE_POINTS);
  forEachRun(wordRuns, (first, last, isWord) => members.fill(isWord, first, last + 1));
  return members;
};

const isWhite = (text: Uint8Array, at: number): boolean =>
  ((characterClasses()[codePointAt(text, at)] ?? 0) & WHITE) !== 0;

const whiteSpaceBefore = (text: Uint8Array, end: number): number => {
  let start = end;
  while (start > 0) {
    const before = characterBefore(text, 0, start);
    if (!isWhite(text, before)) break;
    start = before;
  }
  return start;
};

const whiteSpaceAfter = (text: Uint8Array, start: number): number => {
  let end = start;
  while (end < text.length && isWhite(text, end)) end += widthOf(text[end] ?? 0);
  return end;
};
