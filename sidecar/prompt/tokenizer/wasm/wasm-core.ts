import { growTo } from '../../wasm/module-parts.ts';
import type { BpeModel } from '../bpe-model.ts';
import { type BpeCore, INITIAL_INPUT_BYTES, type ScannerFamily } from '../core.ts';
import { normalizationTable } from '../nfc.ts';
import { findPremerged, type Premerged } from '../premerge.ts';
import { SHORT_WORD_BYTES } from '../short-word-cache.ts';
import { characterClasses, LETTER, MARK } from '../unicode/character-classes.ts';
import { CODE_POINTS } from '../unicode/runs.ts';
import type { WholeWord } from '../whole-words.ts';
import { type CoreInstance, createCoreInstance } from './core-instance.ts';

/** Bytes after the text that are the module's. */
const PADDING = 64;
/** What every table is aligned to. */
const ALIGNMENT = 16;
/** Arrays that a long word's symbols take. */
const SCRATCH_ARRAYS = 5;
const BLOCK_BITS = 6;
const BLOCK_ENTRIES = 1 << BLOCK_BITS;
/** 64-bit words of an entry of premerged characters: id, neighbours after, neighbours before. */
const PREMERGED_WORDS = 3;
const HASH_ENTRY_BYTES = 16;

/** What a {@link WasmCore} is made of. */
export interface WasmCoreParts {
  readonly model: BpeModel;
  /** Null where every word comes by {@link BpeCore.encodeWords}. */
  readonly family: ScannerFamily | null;
  readonly wholeWords: readonly WholeWord[];
}

/** The inner loop in WebAssembly with SIMD: the algorithm of PlainCore, 20 MB of memory for a large vocabulary. */
export class WasmCore implements BpeCore {
  readonly #instance: CoreInstance;
  readonly #family: number;
  /** First address that no table takes. */
  #free: number;
  /** Where buffers begin; set once all tables are placed. */
  readonly #buffersAt: number;
  #endsAt = 0;
  #ends = new Int32Array(0);
  #input = new Uint8Array(0);
  #output = new Int32Array(0);

  constructor({ model, family, wholeWords }: WasmCoreParts) {
    this.#instance = createCoreInstance();
    this.#free = this.#instance.addresses.DYNAMIC;
    this.#family = family === null ? -1 : familyNumber(family);
    growTo(this.#instance.memory, this.#free);
    this.#placeFixedTables(model);
    this.#placeMerges(model);
    if (wholeWords.length > 0) this.#placeWholeWords(wholeWords);
    if (family !== null) this.#setFamily(family);
    this.#buffersAt = this.#free;
    this.reserve(INITIAL_INPUT_BYTES);
  }

  get input(): Uint8Array {
    return this.#input;
  }

  get output(): Int32Array {
    return this.#output;
  }

  reserve(bytes: number): void {
    if (bytes <= this.#input.length) return;
    const { memory, functions } = this.#instance;
    const capacity = 2 ** Math.ceil(Math.log2(bytes));
    const output = align(this.#buffersAt + capacity + PADDING);
    this.#endsAt = align(output + (capacity + PADDING) * Int32Array.BYTES_PER_ELEMENT);
    const scratch = align(this.#endsAt + capacity * Int32Array.BYTES_PER_ELEMENT);
    growTo(memory, scratch + SCRATCH_ARRAYS * capacity * Int32Array.BYTES_PER_ELEMENT);
    functions.setBuffers(this.#buffersAt, output, this.#endsAt);
    functions.setScratch(scratch, capacity);
    this.#input = new Uint8Array(memory.buffer, this.#buffersAt, capacity);
    this.#output = new Int32Array(memory.buffer, output, capacity + PADDING);
    this.#ends = new Int32Array(memory.buffer, this.#endsAt, capacity);
  }

  isInputNfc(length: number): boolean {
    return this.#instance.functions.isInputNfc(length) === 1;
  }

  encode(length: number): number {
    if (this.#family < 0) throw new RangeError('this core has no scanner');
    return this.#instance.functions.encode(this.#family, length);
  }

  encodeWords(ends: Int32Array, words: number): number {
    this.#ends.set(ends.subarray(0, words));
    return this.#instance.functions.encodeWords(words);
  }

  #placeFixedTables({ table }: BpeModel): void {
    const { memory, addresses } = this.#instance;
    const bytes = new Uint8Array(memory.buffer);
    for (let length = 0; length <= SHORT_WORD_BYTES; length += 1) {
      const mask = addresses.KEY_MASKS + length * SHORT_WORD_BYTES;
      bytes.fill(0xff, mask, mask + length);
    }
    const { blockOf, parts } = normalizationTable();
    bytes.set(blockOf, addresses.NORMALIZATION_BLOCKS);
    bytes.set(parts, addresses.NORMALIZATION_PARTS);
    bytes.set(characterClasses(), addresses.CLASSES);
    this.#write(addresses.BYTE_IDS, table.byteIds);
    this.#write(addresses.PAIR_RANKS, table.bytePairRanks);
    this.#write(addresses.FILTER, table.filter);
  }

  #placeMerges(model: BpeModel): void {
    const { memory, addresses, functions } = this.#instance;
    const { blocks, words } = premergedBlocks(findPremerged(model));
    const { entries, entryMask, mergedIds } = model.table;
    const premerged = this.#allocate(words.byteLength);
    functions.setTables(this.#place(entries), entryMask, this.#place(mergedIds), premerged);
    new BigInt64Array(memory.buffer, premerged, words.length).set(words);
    new Uint16Array(memory.buffer, addresses.PREMERGED_BLOCKS, blocks.length).set(blocks);
  }

  #placeWholeWords(words: readonly WholeWord[]): void {
    const { memory, functions } = this.#instance;
    const slots = 2 ** (Math.ceil(Math.log2(words.length)) + 1);
    let keyBytes = 0;
    for (const { word } of words) keyBytes += word.length;
    const entries = this.#allocate(slots * HASH_ENTRY_BYTES);
    const keys = this.#allocate(keyBytes + PADDING);
    functions.setWholeWords(entries, slots - 1, keys);
    for (const { word, id } of words) {
      growTo(memory, this.#free + word.length + PADDING);
      new Uint8Array(memory.buffer).set(word, this.#free);
      functions.addWholeWord(this.#free, word.length, id);
    }
  }

  #setFamily(family: ScannerFamily): void {
    const takesMarks = family.kind === 'cl100k' && family.takesMarks;
    this.#instance.functions.setFamily(
      takesMarks ? LETTER | MARK : LETTER,
      'maxDigits' in family ? family.maxDigits : 0,
      family.kind === 'o200k' && family.takesContractions ? 1 : 0,
    );
  }

  #allocate(bytes: number): number {
    const at = this.#free;
    this.#free = align(at + bytes);
    growTo(this.#instance.memory, this.#free);
    return at;
  }

  #place(content: Int32Array): number {
    const at = this.#allocate(content.byteLength);
    this.#write(at, content);
    return at;
  }

  #write(at: number, content: Int32Array): void {
    new Int32Array(this.#instance.memory.buffer, at, content.length).set(content);
  }
}

const align = (address: number): number => Math.ceil(address / ALIGNMENT) * ALIGNMENT;

/** The family's number in wasm/core.as. */
const familyNumber = ({ kind }: ScannerFamily): number => ['cl100k', 'o200k', 'deepseek', 'gpt2'].indexOf(kind);

/** Entries by code point in blocks of 64; block 0 has none. */
const premergedBlocks = (
  premerged: ReadonlyMap<number, Premerged>,
): { readonly blocks: Uint16Array; readonly words: BigInt64Array } => {
  const blocks = new Uint16Array(CODE_POINTS >> BLOCK_BITS);
  let used = 1;
  for (const codePoint of premerged.keys()) {
    if (blocks[codePoint >> BLOCK_BITS] === 0) blocks[codePoint >> BLOCK_BITS] = used++;
  }
  const words = new BigInt64Array(used * BLOCK_ENTRIES * PREMERGED_WORDS).fill(-1n);
  for (const [codePoint, { id, notBefore, notAfter }] of premerged) {
    const block = blocks[codePoint >> BLOCK_BITS] ?? 0;
    const at = (block * BLOCK_ENTRIES + (codePoint & (BLOCK_ENTRIES - 1))) * PREMERGED_WORDS;
    words[at] = BigInt(id);
    words[at + 1] = BigInt.asIntN(64, notBefore);
    words[at + 2] = BigInt.asIntN(64, notAfter);
  }
  return { blocks, words };
};
