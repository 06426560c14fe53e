import { crc32 } from 'node:zlib';
import { SidecarError } from '../../core/index.ts';

/**
 * A dump of what is known of endpoints: eight bytes of name, four of version, then records to the end: kind, length and
 * checksum, four bytes each, then the content. All numbers little-endian, unsigned. A checksum is the CRC-32 of kind, length
 * and content, begun with the checksum of the record before, so that none can be missing either.
 */
const name = Buffer.from('WARMDUMP');
const version = 1;
const prefaceBytes = name.length + 4;
const checkedHeadBytes = 8;
const headBytes = checkedHeadBytes + 4;
/** Longest content of one record: as much as an index writes when a million blocks changed while it was dumped. */
const maxContentBytes = 64 * 1024 * 1024;

/**
 * Kinds of records. `head` comes first and `end` last, without content. `endpoint`, `position` and `head` are JSON. An
 * endpoint's pieces, joined, are what the index wrote of it; `position` says as of when and closes it; `abandoned` closes it
 * where it could not be written whole.
 */
export const recordKind = { head: 1, endpoint: 2, piece: 3, position: 4, abandoned: 5, end: 6 } as const;

/** One record taken apart. */
export interface DumpRecord {
  readonly kind: number;
  readonly content: Uint8Array;
}

const refuse = (what: string): never => {
  throw new SidecarError('invalid-argument', `not a usable dump: ${what}`);
};

/** Puts records into bytes, each with its checksum. */
export class RecordWriter {
  #checksum = 0;

  /** What a dump begins with. */
  preface(): Uint8Array {
    const preface = Buffer.alloc(prefaceBytes);
    name.copy(preface);
    preface.writeUInt32LE(version, name.length);
    return preface;
  }

  record(kind: number, content: Uint8Array = new Uint8Array()): Uint8Array {
    const record = Buffer.allocUnsafe(headBytes + content.length);
    record.writeUInt32LE(kind, 0);
    record.writeUInt32LE(content.length, 4);
    record.set(content, headBytes);
    this.#checksum = crc32(content, crc32(record.subarray(0, checkedHeadBytes), this.#checksum));
    record.writeUInt32LE(this.#checksum, checkedHeadBytes);
    return record;
  }

  json(kind: number, value: unknown): Uint8Array {
    return this.record(kind, Buffer.from(JSON.stringify(value)));
  }
}

/** Collects chunks and gives out as many bytes as are asked for. */
class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async take(count: number): Promise<Buffer> {
    while (this.#bytes < count) {
      const { done, value } = await this.#source.next();
      if (done === true) return refuse('it is cut off');
      this.#chunks.push(value);
      this.#bytes += value.length;
    }
    const whole = this.#chunks.length === 1 ? Buffer.from(this.#chunks[0] ?? []) : Buffer.concat(this.#chunks);
    const rest = whole.subarray(count);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
    return whole.subarray(0, count);
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

/**
 * Takes a dump apart, record by record, each checked; ends behind the `end` record. Holds one record at a time. Throws
 * `invalid-argument` for anything else than a whole dump of this version, and passes on what `chunks` throws.
 */
export async function* readRecords(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<DumpRecord, void, void> {
  const bytes = new ByteQueue(chunks);
  try {
    const preface = await bytes.take(prefaceBytes);
    if (!preface.subarray(0, name.length).equals(name)) refuse('it does not begin as one');
    const found = preface.readUInt32LE(name.length);
    if (found !== version) refuse(`it is of version ${found}, not ${version}`);
    let checksum = 0;
    for (;;) {
      const head = await bytes.take(headBytes);
      const kind = head.readUInt32LE(0);
      const length = head.readUInt32LE(4);
      if (length > maxContentBytes) refuse('a record is too long');
      const content = await bytes.take(length);
      checksum = crc32(content, crc32(head.subarray(0, checkedHeadBytes), checksum));
      if (head.readUInt32LE(checkedHeadBytes) !== checksum) refuse('a checksum is wrong');
      if (kind === recordKind.end) return;
      yield { kind, content };
    }
  } finally {
    await bytes.close();
  }
}
