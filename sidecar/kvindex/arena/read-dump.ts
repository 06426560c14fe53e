import { SidecarError } from '../../core/index.ts';
import type { KeySeed } from '../block-keys.ts';
import {
  DUMP_ENTRY,
  DUMP_ENTRY_WORDS,
  DUMP_HEAD_WORDS,
  DUMP_MAGIC,
  DUMP_VERSION,
  SECTION,
  SHELF_EXISTS,
  SHELF_IGNORED,
} from './dump-format.ts';
import { MAX_ID } from './id-table.ts';
import type { ShelfName } from './shelf.ts';

/** Entries of one section. */
export interface DumpedEntries {
  readonly shelf: number;
  /** Whole entries, `DUMP_ENTRY_WORDS` each. */
  readonly words: Int32Array;
}

/** A dump taken apart; nothing in it refers outside it. */
export interface ParsedDump {
  readonly seed: KeySeed;
  /** By number. */
  readonly shelves: readonly ShelfName[];
  readonly ignored: readonly ShelfName[];
  readonly entries: readonly DumpedEntries[];
  /** What comes later holds. */
  readonly changes: readonly DumpedEntries[];
}

const MAX_MEDIUM_LENGTH = 1024;

const refuse = (what: string): never => {
  throw new SidecarError('invalid-argument', `not a whole dump: ${what}`);
};

/** Reads words one after the other. */
class WordReader {
  readonly words: Int32Array;
  at = 0;

  constructor(words: Int32Array) {
    this.words = words;
  }

  get isAtEnd(): boolean {
    return this.at >= this.words.length;
  }

  next(): number {
    return this.words[this.at++] ?? refuse('it is cut off');
  }

  take(count: number): Int32Array {
    if (count < 0 || this.at + count > this.words.length) refuse('it is cut off');
    this.at += count;
    return this.words.subarray(this.at - count, this.at);
  }
}

const wordsOf = (dump: Uint8Array): Int32Array => {
  if (dump.length % 4 !== 0) refuse('its length is not a multiple of 4');
  const aligned = dump.byteOffset % 4 === 0 ? dump : dump.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
};

const readShelf = (content: Int32Array): { readonly name: ShelfName; readonly flags: number } => {
  const [flags = 0, group = 0] = content;
  const medium = content.subarray(2);
  if (content.length < 2 || medium.length > MAX_MEDIUM_LENGTH) refuse('a shelf has no proper name');
  return { name: { group, medium: String.fromCharCode(...medium) }, flags };
};

const readEntries = (
  content: Int32Array,
  options: { readonly shelves: number; readonly fewest: number },
): DumpedEntries => {
  const [shelf = -1] = content;
  const words = content.subarray(1);
  if (shelf < 0 || shelf >= options.shelves) refuse('entries are of an unknown shelf');
  if (words.length % DUMP_ENTRY_WORDS !== 0) refuse('an entry is cut off');
  for (let at = 0; at < words.length; at += DUMP_ENTRY_WORDS) {
    const count = words[at + DUMP_ENTRY.count] ?? -1;
    const node = words[at + DUMP_ENTRY.node] ?? -1;
    const isGone = options.fewest === 0 && count === 0;
    if (count < options.fewest || node < 0 || node > MAX_ID) refuse('an entry is impossible');
    if (!isGone && (node === 0 || (words[at + DUMP_ENTRY.blockSize] ?? 0) < 1)) refuse('an entry has no block');
  }
  return { shelf, words };
};

/**
 * Checks and takes apart a dump, yielding after each section. O(its length). Throws `invalid-argument` for anything but
 * a whole dump.
 */
export function* readDump(dump: Uint8Array): Generator<void, ParsedDump, void> {
  const reader = new WordReader(wordsOf(dump));
  const [magic, version, lo = 0, hi = 0] = reader.take(DUMP_HEAD_WORDS);
  if (magic !== DUMP_MAGIC) refuse('it does not begin as one');
  if (version !== DUMP_VERSION) refuse('it is of another version');
  const shelves: ShelfName[] = [];
  const ignored: ShelfName[] = [];
  const entries: DumpedEntries[] = [];
  const changes: DumpedEntries[] = [];
  let count = 0;
  for (;;) {
    yield;
    const kind = reader.next();
    const content = reader.take(reader.next());
    if (kind === SECTION.shelf) {
      const { name, flags } = readShelf(content);
      if (flags === SHELF_EXISTS) shelves.push(name);
      else if (flags === SHELF_IGNORED) ignored.push(name);
      else refuse('a shelf has unknown flags');
    } else if (kind === SECTION.entries || kind === SECTION.changes) {
      const isChange = kind === SECTION.changes;
      const read = readEntries(content, { shelves: shelves.length, fewest: isChange ? 0 : 1 });
      (isChange ? changes : entries).push(read);
      count += read.words.length / DUMP_ENTRY_WORDS;
    } else if (kind === SECTION.end) {
      if (content.length !== 1 || content[0] !== count || !reader.isAtEnd) refuse('its end is wrong');
      return { seed: { lo, hi }, shelves, ignored, entries, changes };
    } else {
      refuse('a section is unknown');
    }
  }
}
