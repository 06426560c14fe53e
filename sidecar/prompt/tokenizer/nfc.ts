import { CODE_POINTS, forEachRun } from './unicode/runs.ts';
import { normalizationRuns } from './unicode/unicode-data.ts';
import { codePointAt, widthOf } from './unicode/utf8.ts';

const MAY_CHANGE = 1;
const COMBINES = 2;
const UNKNOWN = 3;
/** Below U+0300, whose first byte is this, nothing changes or combines. */
const FIRST_RELEVANT_LEAD = 0xcc;
/** U+5000 to U+9FFF, which begin with these, stand alone. */
const FIRST_APART_LEAD = 0xe5;
const LAST_APART_LEAD = 0xe9;
const BLOCK_BITS = 8;

/** Part in normalization by code point, in blocks of 256; equal blocks are kept once (17 KB in all). */
export interface NormalizationTable {
  readonly blockOf: Uint8Array;
  readonly parts: Uint8Array;
}

const build = (): NormalizationTable => {
  const flat = new Uint8Array(CODE_POINTS);
  forEachRun(normalizationRuns, (first, last, part) => flat.fill(part, first, last + 1));
  const blockOf = new Uint8Array(CODE_POINTS >> BLOCK_BITS);
  const known = new Map<string, number>();
  const blocks: Uint8Array[] = [];
  for (let block = 0; block < blockOf.length; block += 1) {
    const content = flat.subarray(block << BLOCK_BITS, (block + 1) << BLOCK_BITS);
    const key = content.join();
    const position = known.get(key) ?? blocks.length;
    if (position === blocks.length) {
      known.set(key, position);
      blocks.push(content);
    }
    blockOf[block] = position;
  }
  const parts = new Uint8Array(blocks.length << BLOCK_BITS);
  for (const [position, content] of blocks.entries()) parts.set(content, position << BLOCK_BITS);
  return { blockOf, parts };
};

let built: NormalizationTable | null = null;

/** The table of all code points, built at the first call and shared; read only. */
export const normalizationTable = (): NormalizationTable => {
  built ??= build();
  return built;
};

const partOf = ({ blockOf, parts }: NormalizationTable, codePoint: number): number =>
  parts[((blockOf[codePoint >> BLOCK_BITS] ?? 0) << BLOCK_BITS) | (codePoint & 255)] ?? 0;

/**
 * Whether UTF-8 text is certainly unchanged by NFC as the engines' tokenizers do it. False is a suspicion only. O(bytes),
 * a few tenths of a nanosecond for an ASCII byte.
 */
export const isCertainlyNfc = (bytes: Uint8Array, start: number, end: number): boolean => {
  const parts = normalizationTable();
  let isAfterCombining = false;
  let at = start;
  while (at < end) {
    const lead = bytes[at] ?? 0;
    if (lead < FIRST_RELEVANT_LEAD) {
      isAfterCombining = false;
      at += 1;
      continue;
    }
    if (lead >= FIRST_APART_LEAD && lead <= LAST_APART_LEAD) {
      isAfterCombining = false;
      at += 3;
      continue;
    }
    const part = partOf(parts, codePointAt(bytes, at));
    if (part === MAY_CHANGE || (part === COMBINES && isAfterCombining)) return false;
    isAfterCombining = part === COMBINES;
    at += widthOf(lead);
  }
  return true;
};

/**
 * NFC as the engines' tokenizers do it. Their tables are years older than Node's: characters they do not know stand
 * apart, so the text between those is normalized piece by piece. Node's own answer for known characters never changes
 * (Unicode's stability policy).
 */
export const toNfc = (text: string): string => {
  const parts = normalizationTable();
  let normalized = '';
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const codePoint = text.codePointAt(at) ?? 0;
    const width = codePoint > 0xffff ? 2 : 1;
    if (codePoint >= 0x300 && partOf(parts, codePoint) === UNKNOWN) {
      normalized += text.slice(from, at).normalize('NFC') + text.slice(at, at + width);
      from = at + width;
    }
    at += width;
  }
  return normalized + text.slice(from).normalize('NFC');
};
