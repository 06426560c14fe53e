import { AddedTokenSplitter } from './added-tokens.ts';
import type { BpeCore } from './core.ts';
import { joinIds } from './join-ids.ts';
import { PieceEncoder } from './piece-encoder.ts';
import { PlainCore } from './plain-core.ts';
import type { EncodeOptions, Tokenizer } from './port.ts';
import type { SpecialTokens } from './post-processor.ts';
import { createScanner } from './pretokenizers/families.ts';
import { TokenArena } from './token-arena.ts';
import { parseTokenizerFile, type TokenizerFile } from './tokenizer-file.ts';
import type { TokenizerJson } from './tokenizer-json.ts';
import { unsupportedReason } from './unsupported.ts';
import type { Vocabulary } from './vocabulary.ts';
import { encodeVocabulary, warmUpText } from './warm-up.ts';
import { canRunCore } from './wasm/core-instance.ts';
import { WasmCore } from './wasm/wasm-core.ts';
import { findWholeWords } from './whole-words.ts';

/** Which inner loop encodes: `wasm` where it can, else `plain`. */
export type CoreChoice = 'plain' | 'wasm';

/** Choices of {@link createByteLevelBpe}. */
export interface ByteLevelBpeOptions {
  /** Default `wasm`, which is two to three times faster. Ids are the same. */
  readonly core?: CoreChoice;
}

/** An encoder, or why this `tokenizer.json` needs another one. */
export type ByteLevelBpeResult =
  | { readonly kind: 'supported'; readonly tokenizer: ByteLevelBpe }
  | { readonly kind: 'unsupported'; readonly reason: string };

/** Scratch memory that is kept for the next call, bytes of text or ids. */
const KEPT_SCRATCH = 1 << 21;
const INITIAL_SCRATCH = 1 << 12;
/** Bytes of UTF-8 that one UTF-16 unit can take. */
const MAX_UNIT_BYTES = 3;
/** Texts that make V8 compile the encoder to its fastest code. */
const WARM_UP_TEXTS = 64;

/**
 * Exact byte-level BPE from a `tokenizer.json` (Hugging Face tokenizers): text → ids on UTF-8 bytes. Not for use by
 * two callers at a time; every method is synchronous and never throws for any text.
 */
export class ByteLevelBpe implements Tokenizer {
  readonly path = 'exact';
  readonly pathReason = null;
  readonly vocabularySize: number;
  /** The inner loop in use; `plain` where this Node cannot run the other. */
  readonly coreKind: CoreChoice;
  /**
   * Whether text can be encoded piecewise after any added token: ids of `a + b` are those of `a` followed by those of `b`
   * wherever {@link encodeUtf8} said that `a` ends in an added token.
   */
  readonly canRestartAfterAddedToken: boolean;
  readonly #core: BpeCore;
  /** Kept until the first {@link warm}. */
  #vocabulary: Vocabulary | null;
  readonly #pieces: PieceEncoder;
  readonly #rawTokens: AddedTokenSplitter;
  readonly #normalizedTokens: AddedTokenSplitter;
  readonly #specialTokens: SpecialTokens;
  #arena = new TokenArena(INITIAL_SCRATCH);
  #scratch = Buffer.allocUnsafeSlow(INITIAL_SCRATCH);

  constructor(file: TokenizerFile, choice: CoreChoice) {
    const { model, addedTokens, preTokenizer, specialTokens, normalizesToNfc } = file;
    const { table } = model;
    const wholeWords = findWholeWords(model);
    const family = preTokenizer.kind === 'scanner' ? preTokenizer.family : null;
    const createPlain = () =>
      new PlainCore({ table, scanner: family === null ? null : createScanner(family), wholeWords });
    this.coreKind = choice === 'wasm' && canRunCore() ? 'wasm' : 'plain';
    const core = this.coreKind === 'wasm' ? new WasmCore({ model, family, wholeWords }) : createPlain();
    this.#core = core;
    this.#vocabulary = model.vocabulary;
    this.#pieces = new PieceEncoder({
      core,
      createSpareCore: createPlain,
      steps: preTokenizer.kind === 'patterns' ? preTokenizer.steps : null,
      normalizesToNfc,
      addsPrefixSpace: preTokenizer.addsPrefixSpace,
    });
    const splitter = (isNormalized: boolean) =>
      new AddedTokenSplitter(
        addedTokens.filter((token) => token.isNormalized === isNormalized),
        { normalizesToNfc },
      );
    this.#rawTokens = splitter(false);
    this.#normalizedTokens = splitter(true);
    this.#specialTokens = specialTokens;
    this.canRestartAfterAddedToken = this.#rawTokens.isSelfContained();
    this.vocabularySize = Math.max(model.vocabulary.idLimit, ...addedTokens.map(({ id }) => id + 1));
  }

  encode(text: string, { addSpecialTokens }: EncodeOptions): Int32Array {
    if (!addSpecialTokens) return this.encodePieces([text]);
    this.#appendAll(this.#specialTokens.before);
    this.#appendTexts([text]);
    this.#appendAll(this.#specialTokens.after);
    return this.#finish();
  }

  /** Ids of a text as {@link encode} gives them where it adds special tokens, from those that it gives where it adds none. */
  withSpecialTokens(ids: Int32Array): Int32Array {
    const { before, after } = this.#specialTokens;
    return before.length + after.length === 0 ? ids : joinIds(before, ids, after);
  }

  encodePieces(pieces: readonly string[]): Int32Array {
    this.#appendTexts(pieces);
    return this.#finish();
  }

  /**
   * Appends the ids of `bytes`, UTF-8 text, without special tokens added, and returns whether the text ends in an added
   * token that is looked for before normalization. Bytes that are not UTF-8 give some ids, a character cut short at the
   * end those of U+FFFD.
   */
  encodeUtf8(bytes: Uint8Array, into: TokenArena): boolean {
    let endsInAddedToken = false;
    // A Buffer's search for one byte is ten times that of a plain array.
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#rawTokens.split(text, (start, end, id) => {
      endsInAddedToken = id >= 0;
      if (id >= 0) into.push(id);
      else this.#encodeBetween(text, start, end, into);
    });
    return endsInAddedToken;
  }

  /** Fills caches from the vocabulary and has the code compiled: to be called before serving. Takes some 0.3 s. */
  warm(): void {
    if (this.#vocabulary !== null) encodeVocabulary(this.#vocabulary, this.#core);
    this.#vocabulary = null;
    for (let seed = 0; seed < WARM_UP_TEXTS; seed += 1) this.encodePieces([warmUpText(seed)]);
  }

  #appendAll(ids: readonly number[]): void {
    for (const id of ids) this.#arena.push(id);
  }

  #appendTexts(pieces: readonly string[]): void {
    // A pair of surrogates may be divided between two pieces.
    const isDivided = pieces.some((piece, at) => at + 1 < pieces.length && endsInHighSurrogate(piece));
    const texts = isDivided ? [pieces.join('')] : pieces;
    let units = 0;
    for (const text of texts) units += text.length;
    if (this.#scratch.length < units * MAX_UNIT_BYTES) this.#scratch = Buffer.allocUnsafeSlow(units * MAX_UNIT_BYTES);
    let length = 0;
    for (const text of texts) length += this.#scratch.write(text, length);
    this.encodeUtf8(this.#scratch.subarray(0, length), this.#arena);
  }

  #encodeBetween(bytes: Uint8Array, start: number, end: number, into: TokenArena): void {
    if (this.#normalizedTokens.isEmpty) {
      this.#pieces.encode(bytes, start, end, into);
      return;
    }
    const normal = this.#pieces.normalized(bytes.subarray(start, end));
    this.#normalizedTokens.split(normal, (from, to, id) => {
      if (id >= 0) into.push(id);
      else this.#pieces.encode(normal, from, to, into);
    });
  }

  /** Copies the ids out, and gives back scratch memory that an unusually long text took. */
  #finish(): Int32Array {
    const ids = this.#arena.toArray();
    if (ids.length > KEPT_SCRATCH) this.#arena = new TokenArena(INITIAL_SCRATCH);
    this.#arena.truncate(0);
    if (this.#scratch.length > KEPT_SCRATCH) this.#scratch = Buffer.allocUnsafeSlow(INITIAL_SCRATCH);
    return ids;
  }
}

const endsInHighSurrogate = (text: string): boolean => {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
};

/**
 * Builds an encoder from a `tokenizer.json`; O(vocabulary + merges), some 0.3 s for 150,000 entries. Supported:
 * model BPE on bytes, `ignore_merges` included; normalizer none or NFC; pre-tokenizer Splits and Digits before ByteLevel;
 * added tokens with all flags. Anything else is `unsupported` with the reason, never a throw.
 */
export const createByteLevelBpe = (
  tokenizerJson: TokenizerJson,
  options: ByteLevelBpeOptions = {},
): ByteLevelBpeResult => {
  try {
    return {
      kind: 'supported',
      tokenizer: new ByteLevelBpe(parseTokenizerFile(tokenizerJson), options.core ?? 'wasm'),
    };
  } catch (failure) {
    const reason = unsupportedReason(failure);
    if (reason === null) throw failure;
    return { kind: 'unsupported', reason };
  }
};
