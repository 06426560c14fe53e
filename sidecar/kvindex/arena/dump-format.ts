/**
 * A dump of one endpoint: Int32 words, little-endian. Four words of head (magic, version, key seed lo and hi), then
 * sections of two words (kind, number of words that follow) and their content:
 *
 * - shelf: flags, group, medium as UTF-16 code units. Shelves are numbered by their order.
 * - entries: shelf number, then eight words an entry ({@link DUMP_ENTRY}).
 * - changes: the same; what changed since its entry was written, count 0 for an engine key that is gone.
 * - end: number of entries and changes before it.
 */
export const DUMP_MAGIC = 0x56_4b_52_57;
export const DUMP_VERSION = 1;
export const DUMP_HEAD_WORDS = 4;

export const SECTION = { shelf: 1, entries: 2, changes: 3, end: 4 } as const;

/** Shelf flags: entries may follow; stores are ignored on this medium and group. */
export const SHELF_EXISTS = 1;
export const SHELF_IGNORED = 2;

/**
 * Words of an entry. `node` and `parent` are numbers of the index that was dumped: equal ones are the same block, and
 * in ascending order they follow chains; parent 0 means none.
 */
export const DUMP_ENTRY = {
  engineLo: 0,
  engineHi: 1,
  count: 2,
  keyLo: 3,
  keyHi: 4,
  node: 5,
  parent: 6,
  blockSize: 7,
} as const;
export const DUMP_ENTRY_WORDS = 8;
