// Where everything lies in the module's memory. The host reads these addresses from the module's exports, writes the
// tables, and places what has no fixed size (merges, text, ids, scratch) from DYNAMIC on.

/** 17 masks of 16 bytes: the first n bytes set. */
export const KEY_MASKS: usize = 0x1000;
/** Symbols of the word being merged, ranks of each with the next, and what that makes, 64 each. */
export const SYMBOLS: usize = 0x1800;
export const RANKS: usize = 0x1a00;
export const MERGED: usize = 0x1c00;
/** Id of each byte. */
export const BYTE_IDS: usize = 0x2000;
/** Normalization part by code point: number of a block of 256, then the blocks. */
export const NORMALIZATION_BLOCKS: usize = 0x3000;
export const NORMALIZATION_PARTS: usize = 0x5000;
/** Rank of each pair of bytes. */
export const PAIR_RANKS: usize = 0x20000;
/** One bit a pair that may merge. */
export const FILTER: usize = 0x60000;
/** Number of the block of 64 ids of each 64 code points, 16 bits each; room for every number that four bytes can spell. */
export const PREMERGED_BLOCKS: usize = 0xe0000;
/** Class of each code point; room for every number that four bytes can spell. */
export const CLASSES: usize = 0x100000;
/** Word caches. */
export const SHORT_ENTRIES: usize = 0x300000;
export const SHORT_REST: usize = 0x700000;
export const LONG_ENTRIES: usize = 0x900000;
export const LONG_KEYS: usize = 0x980000;
export const LONG_IDS: usize = 0xb80000;
/** First address that is free for the host. */
export const DYNAMIC: usize = 0xf80000;

export const SHORT_SLOTS: u32 = 1 << 17;
export const SHORT_REST_IDS: u32 = 1 << 19;
export const LONG_SLOTS: u32 = 1 << 15;
export const LONG_KEY_BYTES: u32 = 1 << 21;
export const LONG_ID_WORDS: u32 = 1 << 20;
