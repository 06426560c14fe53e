/** Records a page is 2 to the power of this. */
export const PAGE_BITS = 14;
/** Records a page. */
export const PAGE_RECORDS = 1 << PAGE_BITS;
/** Takes a record's place within its page from its number. */
export const PAGE_MASK = PAGE_RECORDS - 1;

/**
 * Int32 records in pages of 16,384: growth never copies, so that it never pauses. Records are numbered from 0; a fresh
 * record is all zeros. Hot loops take a page and index it themselves: record `r` begins at `(r & PAGE_MASK) * width`
 * of page `r >>> PAGE_BITS`.
 */
export class RecordPages {
  /** Int32 fields a record. */
  readonly width: number;
  readonly pages: Int32Array[] = [];

  constructor(width: number) {
    this.width = width;
  }

  get bytes(): number {
    return this.pages.length * PAGE_RECORDS * this.width * 4;
  }

  /** Makes sure that record number `record` exists; numbers must be asked for in ascending order. */
  ensure(record: number): void {
    if (record >>> PAGE_BITS >= this.pages.length) this.pages.push(new Int32Array(PAGE_RECORDS * this.width));
  }

  get(record: number, field: number): number {
    return this.pages[record >>> PAGE_BITS]?.[(record & PAGE_MASK) * this.width + field] ?? 0;
  }

  set(record: number, field: number, value: number): void {
    const page = this.pages[record >>> PAGE_BITS];
    if (page !== undefined) page[(record & PAGE_MASK) * this.width + field] = value;
  }

  /** Zeros a record. */
  wipe(record: number): void {
    const start = (record & PAGE_MASK) * this.width;
    this.pages[record >>> PAGE_BITS]?.fill(0, start, start + this.width);
  }
}
