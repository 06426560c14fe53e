// Byte-pair encoding of one word; see word-merger.ts and merge-table.ts.
import { BYTE_IDS, FILTER, MERGED, PAIR_RANKS, PREMERGED_BLOCKS, RANKS, SYMBOLS } from './layout';
import { codePointAt, widthOf } from './text';

const NO_RANK: i32 = 0x7fffffff;
const FILTER_MASK: u32 = 0x1ffff;
const MAX_SCANNED_SYMBOLS: i32 = 64;
/** First byte of characters that may have been merged beforehand. */
const FIRST_PREMERGED_LEAD: u32 = 0xc3;

const PREMERGED_BYTES: usize = 24;

let entries: usize = 0;
let entryMask: u32 = 0;
let mergedIds: usize = 0;
let premerged: usize = 0;
/** Symbols, next, previous, ranks and winners of a long word, `scratchSymbols` each. */
let scratch: usize = 0;
let scratchSymbols: usize = 0;

/** Sets where the merge tables are; the last is blocks of 64 entries of code points that may be merged beforehand. */
export function setTables(entriesAt: usize, mask: u32, mergedIdsAt: usize, premergedIdsAt: usize): void {
  entries = entriesAt;
  entryMask = mask;
  mergedIds = mergedIdsAt;
  premerged = premergedIdsAt;
}

/** Sets room for the symbols of a long word: five arrays of `symbols` each, a power of two. */
export function setScratch(at: usize, symbols: usize): void {
  scratch = at;
  scratchSymbols = symbols;
}

/** Rank of the pair in the low half and what it makes in the high half; NO_RANK where it does not merge. */
// @ts-ignore: decorator
@inline
function mergeOf(left: i32, right: i32): u64 {
  let hash: u32 = <u32>(left * 0x9e3779b1) ^ <u32>(right * 0x85ebca77);
  hash ^= hash >>> 15;
  if (((load<u32>(FILTER + (<usize>((hash >>> 5) & FILTER_MASK) << 2)) >>> (hash & 31)) & 1) == 0) return NO_RANK;
  const key = <u64>(<u32>left) | (<u64>(<u32>right) << 32);
  let slot = (hash >>> 7) & entryMask;
  while (true) {
    const at = entries + (<usize>slot << 4);
    const found = load<u64>(at);
    if (found == key) return load<u64>(at, 8);
    if (<i32>found < 0) return NO_RANK;
    slot = (slot + 1) & entryMask;
  }
}

// @ts-ignore: decorator
@inline
function storeMerge(at: usize, merge: u64): void {
  store<i32>(RANKS + at, <i32>merge);
  store<i32>(MERGED + at, <i32>(merge >>> 32));
}

// @ts-ignore: decorator
@inline
function byteId(byte: u32): i32 {
  return load<i32>(BYTE_IDS + (<usize>byte << 2));
}

/**
 * Where the entry of a character that may be merged beforehand is: its id, -1 for none; 8 bytes on, neighbours before
 * which it may not; 16 bytes on, neighbours after which.
 */
// @ts-ignore: decorator
@inline
function premergedEntry(codePoint: u32): usize {
  const block = <usize>load<u16>(PREMERGED_BLOCKS + (<usize>(codePoint >> 6) << 1));
  return premerged + ((block << 6) | <usize>(codePoint & 63)) * PREMERGED_BYTES;
}

/** Whether the neighbour whose last byte this is, is among `neighbours`. */
// @ts-ignore: decorator
@inline
function isAmong(neighbours: u64, lastByte: u32): bool {
  return ((neighbours >> (lastByte & 63)) & 1) != 0;
}

/** Writes the ids of the word to `out` and returns where they end. */
export function merge(start: usize, length: i32, out: usize): usize {
  if (length == 1) {
    store<i32>(out, byteId(load<u8>(start)));
    return out + 4;
  }
  for (let at: i32 = 0; at < length; at++) {
    if (<u32>load<u8>(start + at) >= FIRST_PREMERGED_LEAD) return mergeCharacters(start, length, out);
  }
  if (length > MAX_SCANNED_SYMBOLS) {
    for (let at: i32 = 0; at < length; at++) store<i32>(scratch + (<usize>at << 2), byteId(load<u8>(start + at)));
    return mergeLong(length, out);
  }
  let byte: u32 = load<u8>(start);
  for (let at: i32 = 0; at < length - 1; at++) {
    store<i32>(SYMBOLS + (<usize>at << 2), byteId(byte));
    const next: u32 = load<u8>(start + at, 1);
    const rank = load<i32>(PAIR_RANKS + (<usize>((byte << 8) | next) << 2));
    store<i32>(RANKS + (<usize>at << 2), rank);
    if (rank != NO_RANK) store<i32>(MERGED + (<usize>at << 2), load<i32>(mergedIds + (<usize>rank << 2)));
    byte = next;
  }
  store<i32>(SYMBOLS + (<usize>(length - 1) << 2), byteId(byte));
  return mergeScanned(length, out);
}

/** Whether the character of `entry` may be merged beforehand as far as the one at `next` goes. */
// @ts-ignore: decorator
@inline
function isFree(entry: usize, next: usize, end: usize): bool {
  if (next >= end) return true;
  const neighbours = load<u64>(entry, 8);
  const lead: u32 = load<u8>(next);
  if (lead < 0x80) return false;
  return neighbours == 0 || !isAmong(neighbours, load<u8>(next + widthOf(lead) - 1));
}

/** Merges text whose characters may begin as one symbol each; see premerge.ts. */
function mergeCharacters(start: usize, length: i32, out: usize): usize {
  const end = start + length;
  let to = scratch;
  // Last byte of the character before, 0 where there is none.
  let before: u32 = 0;
  for (let at = start; at < end; ) {
    const lead: u32 = load<u8>(at);
    if (lead < 0x80) {
      store<i32>(to, byteId(lead));
      to += 4;
      at++;
      before = lead;
      continue;
    }
    const next = min(at + widthOf(lead), end);
    const entry = premergedEntry(codePointAt(at));
    const id = load<i32>(entry);
    if (id >= 0 && (at == start || (before >= 0x80 && !isAmong(load<u64>(entry, 16), before))) && isFree(entry, next, end)) {
      store<i32>(to, id);
      to += 4;
    } else {
      for (let byteAt = at; byteAt < next; byteAt++, to += 4) store<i32>(to, byteId(load<u8>(byteAt)));
    }
    before = load<u8>(next - 1);
    at = next;
  }
  const symbols = <i32>((to - scratch) >> 2);
  if (symbols == 1) {
    store<i32>(out, load<i32>(scratch));
    return out + 4;
  }
  if (symbols > MAX_SCANNED_SYMBOLS) return mergeLong(symbols, out);
  let left = load<i32>(scratch);
  for (let at: i32 = 0; at < symbols - 1; at++) {
    const right = load<i32>(scratch + (<usize>at << 2), 4);
    store<i32>(SYMBOLS + (<usize>at << 2), left);
    storeMerge(<usize>at << 2, mergeOf(left, right));
    left = right;
  }
  store<i32>(SYMBOLS + (<usize>(symbols - 1) << 2), left);
  return mergeScanned(symbols, out);
}

/** Merges up to 64 symbols in place: which are left is a bit mask, the lowest rank is found four at a time. */
function mergeScanned(length: i32, out: usize): usize {
  const padded = (length + 3) & ~3;
  for (let at = length - 1; at < padded; at++) store<i32>(RANKS + (<usize>at << 2), NO_RANK);
  const end = RANKS + (<usize>padded << 2);
  let alive: u64 = length == 64 ? ~0 : (<u64>1 << length) - 1;
  while (true) {
    let lowest = v128.load(RANKS);
    for (let at = RANKS + 16; at < end; at += 16) lowest = i32x4.min_u(lowest, v128.load(at));
    lowest = i32x4.min_u(lowest, v128.shuffle<i32>(lowest, lowest, 2, 3, 0, 1));
    lowest = i32x4.min_u(lowest, v128.shuffle<i32>(lowest, lowest, 1, 0, 3, 2));
    const rank = i32x4.extract_lane(lowest, 0);
    if (rank == NO_RANK) break;
    let at = RANKS;
    let equal: i32 = 0;
    while (true) {
      equal = i32x4.bitmask(i32x4.eq(v128.load(at), lowest));
      if (equal != 0) break;
      at += 16;
    }
    const position = <i32>((at - RANKS) >> 2) + ctz(equal);
    const merged = load<i32>(MERGED + (<usize>position << 2));
    store<i32>(SYMBOLS + (<usize>position << 2), merged);
    const absorbed = position + 1 + <i32>ctz(alive >> (position + 1));
    alive &= ~(<u64>1 << absorbed);
    store<i32>(RANKS + (<usize>absorbed << 2), NO_RANK);
    const after = absorbed == 63 ? 0 : alive >> (absorbed + 1);
    let newMerge: u64 = NO_RANK;
    if (after != 0) {
      const next = absorbed + 1 + <i32>ctz(after);
      newMerge = mergeOf(merged, load<i32>(SYMBOLS + (<usize>next << 2)));
    }
    storeMerge(<usize>position << 2, newMerge);
    const before = alive & ((<u64>1 << position) - 1);
    if (before != 0) {
      const previous = 63 - <i32>clz(before);
      storeMerge(<usize>previous << 2, mergeOf(load<i32>(SYMBOLS + (<usize>previous << 2)), merged));
    }
  }
  while (alive != 0) {
    store<i32>(out, load<i32>(SYMBOLS + (<usize>ctz(alive) << 2)));
    out += 4;
    alive &= alive - 1;
  }
  return out;
}

let nextOf: usize = 0;
let previousOf: usize = 0;
let longRanks: usize = 0;
let winners: usize = 0;
let half: usize = 0;

// @ts-ignore: decorator
@inline
function setWinner(node: usize): void {
  let left: usize;
  let right: usize;
  if (node >= half) {
    left = (node - half) << 1;
    right = left + 1;
  } else {
    left = load<u32>(winners + (node << 3));
    right = load<u32>(winners + (node << 3), 4);
  }
  const isRight = load<i32>(longRanks + (right << 2)) < load<i32>(longRanks + (left << 2));
  store<u32>(winners + (node << 2), <u32>(isRight ? right : left));
}

function setRank(position: usize, rank: i32): void {
  store<i32>(longRanks + (position << 2), rank);
  for (let node = half + (position >> 1); node >= 1; node >>= 1) setWinner(node);
}

/** Merges the symbols at `scratch` by a tournament tree; see long-word-merger.ts. */
function mergeLong(length: i32, out: usize): usize {
  const count = <usize>length;
  nextOf = scratch + (scratchSymbols << 2);
  previousOf = nextOf + (scratchSymbols << 2);
  longRanks = previousOf + (scratchSymbols << 2);
  winners = longRanks + (scratchSymbols << 2);
  let leaves: usize = 2;
  while (leaves < count) leaves <<= 1;
  half = leaves >> 1;
  for (let at: usize = 0; at < leaves; at++) store<i32>(longRanks + (at << 2), NO_RANK);
  for (let at: usize = 0; at < count; at++) {
    store<u32>(nextOf + (at << 2), <u32>(at + 1));
    store<i32>(previousOf + (at << 2), <i32>at - 1);
    if (at + 1 < count) {
      const left = load<i32>(scratch + (at << 2));
      store<i32>(longRanks + (at << 2), <i32>mergeOf(left, load<i32>(scratch + (at << 2), 4)));
    }
  }
  for (let node = leaves - 1; node >= 1; node--) setWinner(node);
  while (true) {
    const position = <usize>load<u32>(winners, 4);
    const rank = load<i32>(longRanks + (position << 2));
    if (rank == NO_RANK) break;
    const merged = load<i32>(mergedIds + (<usize>rank << 2));
    const absorbed = <usize>load<u32>(nextOf + (position << 2));
    const after = <usize>load<u32>(nextOf + (absorbed << 2));
    const before = load<i32>(previousOf + (position << 2));
    store<i32>(scratch + (position << 2), merged);
    store<u32>(nextOf + (position << 2), <u32>after);
    if (after < count) store<i32>(previousOf + (after << 2), <i32>position);
    setRank(absorbed, NO_RANK);
    setRank(position, after < count ? <i32>mergeOf(merged, load<i32>(scratch + (after << 2))) : NO_RANK);
    if (before >= 0) setRank(<usize>before, <i32>mergeOf(load<i32>(scratch + (<usize>before << 2)), merged));
  }
  for (let at: usize = 0; at < count; at = load<u32>(nextOf + (at << 2)), out += 4) {
    store<i32>(out, load<i32>(scratch + (at << 2)));
  }
  return out;
}
