// Ids of words, remembered by their bytes; see short-word-cache.ts, byte-key-table.ts and long-word-cache.ts.
import {
  KEY_MASKS,
  LONG_ENTRIES,
  LONG_ID_WORDS,
  LONG_IDS,
  LONG_KEY_BYTES,
  LONG_KEYS,
  LONG_SLOTS,
  SHORT_ENTRIES,
  SHORT_REST,
  SHORT_REST_IDS,
  SHORT_SLOTS,
} from './layout';
import { merge } from './merge';

export const SHORT_WORD_BYTES: u32 = 16;
const LONG_WORD_BYTES: u32 = 512;
const INLINE_IDS: u32 = 3;

let shortWords: u32 = 0;
let shortRest: u32 = 0;
let longWords: u32 = 0;
let longKeys: u32 = 0;
let longIds: u32 = 0;
let wholeEntries: usize = 0;
let wholeMask: u32 = 0;
let wholeKeys: usize = 0;
let wholeKeysLength: u32 = 0;

/** Sets where words that are one token whatever the merges say are kept; no entries, 0, for none. */
export function setWholeWords(entriesAt: usize, mask: u32, keysAt: usize): void {
  wholeEntries = entriesAt;
  wholeMask = mask;
  wholeKeys = keysAt;
}

/** Adds such a word. */
export function addWholeWord(start: usize, length: u32, id: i32): void {
  const hash = hashOf(start, length);
  let at = wholeEntries + (<usize>(hash & wholeMask) << 4);
  for (let slot = hash; load<u32>(at) != 0; at = wholeEntries + (<usize>(++slot & wholeMask) << 4)) {}
  storeKey(at, hash, wholeKeysLength, length, id);
  memory.copy(wholeKeys + wholeKeysLength, start, length);
  wholeKeysLength += length;
}

/** Writes the ids of a word of up to 16 bytes, which `bytes` begins with, to `out` and returns where they end. */
// @ts-ignore: decorator
@inline
export function appendShort(start: usize, length: u32, bytes: v128, out: usize): usize {
  const key = v128.and(bytes, v128.load(KEY_MASKS + (<usize>length << 4)));
  let slot = shortHash(key, length);
  while (true) {
    const at = SHORT_ENTRIES + (<usize>(slot & (SHORT_SLOTS - 1)) << 5);
    const meta = load<u32>(at, 16);
    if (!v128.any_true(v128.xor(key, v128.load(at))) && (meta & 31) == length) {
      const ids = meta >>> 5;
      store<u64>(out, load<u64>(at, 20));
      store<u32>(out, load<u32>(at, 28), 8);
      if (ids > INLINE_IDS) copyRest(load<u32>(at, 28), ids, out);
      return out + (<usize>ids << 2);
    }
    if (meta == 0) break;
    slot++;
  }
  return appendNewShort(start, length, key, out);
}

/** Writes the ids of any word to `out` and returns where they end. */
export function append(start: usize, end: usize, out: usize): usize {
  const length = <u32>(end - start);
  return length <= SHORT_WORD_BYTES
    ? appendShort(start, length, v128.load(start), out)
    : appendLong(start, length, out);
}

// @ts-ignore: decorator
@inline
function shortHash(key: v128, length: u32): u32 {
  let hash: u64 = i64x2.extract_lane(key, 0) * 0x9e3779b97f4a7c15;
  hash ^= (i64x2.extract_lane(key, 1) + length) * 0xc2b2ae3d27d4eb4f;
  hash ^= hash >>> 32;
  return <u32>((hash * 0xd6e8feb86659fd93) >>> 32);
}

function copyRest(from: u32, ids: u32, out: usize): void {
  const end = out + (<usize>ids << 2);
  let at = SHORT_REST + (<usize>from << 2);
  for (let to = out + 8; to < end; to += 4, at += 4) store<u32>(to, load<u32>(at));
}

function appendNewShort(start: usize, length: u32, key: v128, from: usize): usize {
  const end = appendMerged(start, length, from);
  const ids = <u32>((end - from) >> 2);
  if (shortWords >= (SHORT_SLOTS / 10) * 7 || shortRest + SHORT_WORD_BYTES > SHORT_REST_IDS) {
    memory.fill(SHORT_ENTRIES, 0, <usize>SHORT_SLOTS << 5);
    shortWords = 0;
    shortRest = 0;
  }
  let slot = shortHash(key, length);
  let at = SHORT_ENTRIES + (<usize>(slot & (SHORT_SLOTS - 1)) << 5);
  while (load<u32>(at, 16) != 0) at = SHORT_ENTRIES + (<usize>(++slot & (SHORT_SLOTS - 1)) << 5);
  v128.store(at, key);
  store<u32>(at, (ids << 5) | length, 16);
  store<u64>(at, load<u64>(from), 20);
  if (ids <= INLINE_IDS) store<u32>(at, load<u32>(from, 8), 28);
  else {
    store<u32>(at, shortRest, 28);
    memory.copy(SHORT_REST + (<usize>shortRest << 2), from + 8, <usize>(ids - 2) << 2);
    shortRest += ids - 2;
  }
  shortWords++;
  return end;
}

function appendLong(start: usize, length: u32, from: usize): usize {
  if (length > LONG_WORD_BYTES) return appendMerged(start, length, from);
  const hash = hashOf(start, length);
  const found = findKey(LONG_ENTRIES, LONG_SLOTS - 1, LONG_KEYS, start, length, hash);
  if (found >= 0) {
    const ids = LONG_IDS + (<usize>found << 2);
    const bytes = <usize>load<u32>(ids) << 2;
    memory.copy(from, ids + 4, bytes);
    return from + bytes;
  }
  const end = appendMerged(start, length, from);
  const ids = <u32>((end - from) >> 2);
  if (
    longWords >= (LONG_SLOTS / 10) * 7 ||
    longKeys + length > LONG_KEY_BYTES - SHORT_WORD_BYTES ||
    longIds + ids + 1 > LONG_ID_WORDS
  ) {
    memory.fill(LONG_ENTRIES, 0, <usize>LONG_SLOTS << 4);
    longWords = 0;
    longKeys = 0;
    longIds = 0;
  }
  let slot = hash;
  let at = LONG_ENTRIES + (<usize>(slot & (LONG_SLOTS - 1)) << 4);
  while (load<u32>(at) != 0) at = LONG_ENTRIES + (<usize>(++slot & (LONG_SLOTS - 1)) << 4);
  storeKey(at, hash, longKeys, length, <i32>longIds);
  memory.copy(LONG_KEYS + longKeys, start, length);
  longKeys += length;
  store<u32>(LONG_IDS + (<usize>longIds << 2), ids);
  memory.copy(LONG_IDS + (<usize>longIds << 2) + 4, from, <usize>ids << 2);
  longIds += ids + 1;
  longWords++;
  return end;
}

function appendMerged(start: usize, length: u32, out: usize): usize {
  if (wholeEntries != 0) {
    const id = findKey(wholeEntries, wholeMask, wholeKeys, start, length, hashOf(start, length));
    if (id >= 0) {
      store<i32>(out, id);
      return out + 4;
    }
  }
  return merge(start, <i32>length, out);
}

// @ts-ignore: decorator
@inline
function storeKey(at: usize, hash: u32, key: u32, length: u32, value: i32): void {
  store<u32>(at, hash);
  store<u32>(at, key, 4);
  store<u32>(at, length, 8);
  store<i32>(at, value, 12);
}

function findKey(entries: usize, mask: u32, keys: usize, start: usize, length: u32, hash: u32): i32 {
  let slot = hash;
  while (true) {
    const at = entries + (<usize>(slot & mask) << 4);
    const found = load<u32>(at);
    if (found == 0) return -1;
    if (found == hash && load<u32>(at, 8) == length && isEqual(keys + load<u32>(at, 4), start, length)) {
      return load<i32>(at, 12);
    }
    slot++;
  }
}

/** Never 0, which marks a free entry. */
function hashOf(start: usize, length: u32): u32 {
  let hash: u64 = length;
  const end = start + length;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    hash = (hash ^ load<u64>(at)) * 0x9e3779b97f4a7c15;
    hash ^= hash >>> 29;
  }
  if (at < end) {
    hash = (hash ^ (load<u64>(at) & ((<u64>1 << ((end - at) << 3)) - 1))) * 0x9e3779b97f4a7c15;
    hash ^= hash >>> 29;
  }
  const folded = <u32>((hash * 0xd6e8feb86659fd93) >>> 32);
  return folded == 0 ? 1 : folded;
}

/** Whether `length` bytes are equal; 16 bytes after both are readable. */
function isEqual(a: usize, b: usize, length: u32): bool {
  let at: u32 = 0;
  for (; at + 16 <= length; at += 16) {
    if (v128.any_true(v128.xor(v128.load(a + at), v128.load(b + at)))) return false;
  }
  const mask = v128.load(KEY_MASKS + (<usize>(length - at) << 4));
  return !v128.any_true(v128.and(mask, v128.xor(v128.load(a + at), v128.load(b + at))));
}
