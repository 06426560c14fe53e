// Byte-pair encoding of one word; see word-merger.ts and merge-table.ts.
import { BYTE_IDS, FILTER, PAIR_RANKS, PREMERGED_BLOCKS, RANKS, SYMBOLS } from './layout';
import { codePointAt, widthOf } from './text';

const NO_RANK: i32 = 0x7fffffff;
const FILTER_MASK: u32 = 0x1ffff;
const MAX_SCANNED_SYMBOLS: i32 = 64;
/** First byte of characters that may have been merged beforehand. */
const FIRST_PREMERGED_LEAD: u32 = 0xc3;

let entries: usize = 0;
let entryMask: u32 = 0;
let mergedIds: usize = 0;
let premerged: usize = 0;
/** Symbols, next, previous, ranks and winners of a long word, `scratchSymbols` each. */
let scratch: usize = 0;
let scratchSymbols: usize = 0;

/** Sets where the merge tables are; the last is blocks of 64 ids of code points, -1 for those not merged beforehand. */
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

// @ts-ignore: decorator
@inline
function rankOf(left: i32, right: i32): i32 {
  let hash: u32 = <u32>(left * 0x9e3779b1) ^ <u32>(right * 0x85ebca77);
  hash ^= hash >>> 15;
  if (((load<u32>(FILTER + (<usize>((hash >>> 5) & FILTER_MASK) << 2)) >>> (hash & 31)) & 1) == 0) return NO_RANK;
  let slot = (hash >>> 7) & entryMask;
  while (true) {
    const at = entries + (<usize>slot << 4);
    const found = load<i32>(at);
    if (found == left && load<i32>(at, 4) == right) return load<i32>(at, 8);
    if (found < 0) return NO_RANK;
    slot = (slot + 1) & entryMask;
  }
}

// @ts-ignore: decorator
@inline
function byteId(byte: u32): i32 {
  return load<i32>(BYTE_IDS + (<usize>byte << 2));
}

// @ts-ignore: decorator
@inline
function premergedId(codePoint: u32): i32 {
  const block = <usize>load<u16>(PREMERGED_BLOCKS + (<usize>(codePoint >> 6) << 1));
  return load<i32>(premerged + (((block << 6) | <usize>(codePoint & 63)) << 2));
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
    store<i32>(RANKS + (<usize>at << 2), load<i32>(PAIR_RANKS + (<usize>((byte << 8) | next) << 2)));
    byte = next;
  }
  store<i32>(SYMBOLS + (<usize>(length - 1) << 2), byteId(byte));
  return mergeScanned(length, out);
}

/** Merges text whose characters may begin as one symbol each; see premerge.ts. */
function mergeCharacters(start: usize, length: i32, out: usize): usize {
  const end = start + length;
  let to = scratch;
  let isApart = true;
  for (let at = start; at < end; ) {
    const lead: u32 = load<u8>(at);
    if (lead < 0x80) {
      store<i32>(to, byteId(lead));
      to += 4;
      at++;
      isApart = false;
      continue;
    }
    const next = min(at + widthOf(lead), end);
    const id = premergedId(codePointAt(at));
    if (id >= 0 && isApart && (next >= end || load<u8>(next) >= 0x80)) {
      store<i32>(to, id);
      to += 4;
    } else {
      for (let byteAt = at; byteAt < next; byteAt++, to += 4) store<i32>(to, byteId(load<u8>(byteAt)));
    }
    at = next;
    isApart = true;
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
    store<i32>(RANKS + (<usize>at << 2), rankOf(left, right));
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
    const merged = load<i32>(mergedIds + (<usize>rank << 2));
    store<i32>(SYMBOLS + (<usize>position << 2), merged);
    const absorbed = position + 1 + <i32>ctz(alive >> (position + 1));
    alive &= ~(<u64>1 << absorbed);
    store<i32>(RANKS + (<usize>absorbed << 2), NO_RANK);
    const after = absorbed == 63 ? 0 : alive >> (absorbed + 1);
    let newRank = NO_RANK;
    if (after != 0) {
      const next = absorbed + 1 + <i32>ctz(after);
      newRank = rankOf(merged, load<i32>(SYMBOLS + (<usize>next << 2)));
    }
    store<i32>(RANKS + (<usize>position << 2), newRank);
    const before = alive & ((<u64>1 << position) - 1);
    if (before != 0) {
      const previous = 63 - <i32>clz(before);
      store<i32>(RANKS + (<usize>previous << 2), rankOf(load<i32>(SYMBOLS + (<usize>previous << 2)), merged));
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
      store<i32>(longRanks + (at << 2), rankOf(left, load<i32>(scratch + (at << 2), 4)));
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
    setRank(position, after < count ? rankOf(merged, load<i32>(scratch + (after << 2))) : NO_RANK);
    if (before >= 0) setRank(<usize>before, rankOf(load<i32>(scratch + (<usize>before << 2)), merged));
  }
  for (let at: usize = 0; at < count; at = load<u32>(nextOf + (at << 2)), out += 4) {
    store<i32>(out, load<i32>(scratch + (at << 2)));
  }
  return out;
}
