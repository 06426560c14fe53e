import { isUtf8 } from 'node:buffer';
import { randomFillSync } from 'node:crypto';
import { growTo } from '../wasm/module-parts.ts';
import { createScanInstance, type ScanInstance } from './scan-instance.ts';

/** Bytes behind the body that the module reads and writes. */
const PADDING = 64;
/** Random bytes that the module takes as keys: 2,048 for a chunk, 16 more for its second pass, 16 for the chain. */
const KEY_BYTES = 2048 + 32;
/** Bodies above this size give their memory back. */
const KEPT_BYTES = 1 << 22;

/** 32-bit words of one hash. */
export const HASH_WORDS = 4;

/**
 * One request's body, copied to where WebAssembly can read it: chained hashes of its chunks, hashes of stretches, ends of
 * JSON values. Hashes have 128 bits and keys that are random for each scanner, so that no client can make two texts that
 * are taken for each other. Offsets count from the start of the body. Holds one body at a time.
 */
export class BodyScanner {
  /** Bytes of a chunk. */
  readonly chunkBytes: number;
  /** Longest stretch that {@link chain} takes. */
  readonly maxChainBytes: number;
  #scan: ScanInstance;
  #bytes: Uint8Array = new Uint8Array(0);
  #chain: Int32Array = new Int32Array(0);
  #result: Int32Array = new Int32Array(0);
  readonly #keys = randomFillSync(new Uint8Array(KEY_BYTES));

  constructor() {
    this.#scan = createScanInstance();
    this.chunkBytes = this.#scan.constants.CHUNK_BYTES;
    this.maxChainBytes = this.chunkBytes * this.#scan.constants.MAX_CHUNKS;
    this.#place();
  }

  /** The body, and behind it whatever was there. Replaced by {@link load}. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Chain hashes of the last {@link chain}, {@link HASH_WORDS} words a chunk. */
  get chainWords(): Int32Array {
    return this.#chain;
  }

  /** The last {@link hash}. */
  get hashWords(): Int32Array {
    return this.#result;
  }

  load(body: Uint8Array): void {
    const { memory, constants } = this.#scan;
    const needed = constants.INPUT + body.length + PADDING;
    if (memory.buffer.byteLength > constants.INPUT + KEPT_BYTES && body.length < KEPT_BYTES) {
      this.#scan = createScanInstance();
      this.#place();
    }
    if (this.#scan.memory.buffer.byteLength < needed) {
      growTo(this.#scan.memory, needed);
      this.#place();
    }
    this.#bytes.set(body);
  }

  /** Hashes each whole chunk of a stretch together with all before it in the stretch; returns the number of chunks. */
  chain(from: number, to: number): number {
    return this.#scan.functions.chunks(this.#scan.constants.INPUT + from, to - from);
  }

  /** Hashes a stretch. */
  hash(from: number, to: number): Int32Array {
    this.#scan.functions.hash(this.#scan.constants.INPUT + from, to - from);
    return this.#result;
  }

  /** Behind the string whose quote is at `at`; -1 where it does not end before `end`. */
  skipString(at: number, end: number): number {
    return this.#relative(this.#scan.functions.skipString, at, end);
  }

  /** Behind the object or list that begins at `at`; -1 where it does not end before `end`, or is deeper than 64 levels. */
  skipContainer(at: number, end: number): number {
    return this.#relative(this.#scan.functions.skipContainer, at, end);
  }

  /** A stretch as text; null where it is not UTF-8. */
  text(from: number, to: number): string | null {
    const stretch = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + from, to - from);
    return isUtf8(stretch) ? stretch.toString('utf8') : null;
  }

  #relative(skip: (at: number, end: number) => number, at: number, end: number): number {
    const { INPUT } = this.#scan.constants;
    const behind = skip(INPUT + at, INPUT + end);
    return behind === 0 ? -1 : behind - INPUT;
  }

  #place(): void {
    const { memory, constants } = this.#scan;
    new Uint8Array(memory.buffer, constants.KEYS).set(this.#keys);
    this.#bytes = new Uint8Array(memory.buffer, constants.INPUT);
    this.#chain = new Int32Array(memory.buffer, constants.CHAIN, constants.MAX_CHUNKS * HASH_WORDS);
    this.#result = new Int32Array(memory.buffer, constants.RESULT, HASH_WORDS);
  }
}
