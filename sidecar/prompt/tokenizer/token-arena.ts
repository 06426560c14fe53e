/** Token ids that grow at the end; one array, doubled when full. */
export class TokenArena {
  /** Storage; entries from `length` on are meaningless. Replaced when it grows. */
  ids: Int32Array;
  length = 0;

  constructor(capacity = 1024) {
    this.ids = new Int32Array(capacity);
  }

  /** Makes room for `more` ids. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.ids.length) return;
    const grown = new Int32Array(Math.max(this.ids.length * 2, needed));
    grown.set(this.ids.subarray(0, this.length));
    this.ids = grown;
  }

  /** Appends one id. */
  push(id: number): void {
    this.reserve(1);
    this.ids[this.length++] = id;
  }

  /** Appends the first `count` ids of `from`. */
  append(from: Int32Array, count: number): void {
    this.reserve(count);
    const { ids, length } = this;
    if (count > 32) ids.set(from.subarray(0, count), length);
    else for (let at = 0; at < count; at += 1) ids[length + at] = from[at] ?? 0;
    this.length = length + count;
  }

  /** Keeps the first `length` ids. */
  truncate(length: number): void {
    this.length = Math.min(this.length, length);
  }

  /** A copy of the ids. */
  toArray(): Int32Array {
    return this.ids.slice(0, this.length);
  }
}
