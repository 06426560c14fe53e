import { isUtf8 } from 'node:buffer';

const byteOrderMark = [0xef, 0xbb, 0xbf];

/** Length of the unfinished UTF-8 sequence at the end, 0 where the last character is whole. */
const unfinishedTailBytes = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const sequenceBytes = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return sequenceBytes > back ? back : 0;
  }
  return 0;
};

/** Whether Python's `json.detect_encoding` takes the bytes for UTF-16 or UTF-32, which no client of these APIs sends. */
const isWideEncoding = (bytes: Uint8Array): boolean => {
  const [first = 1, second = 1] = bytes;
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || first === 0 || second === 0;
};

/**
 * A body's text, without a byte-order mark; null where it is not UTF-8. Of a cut body an unfinished last character is
 * left out.
 */
export const decodeBody = (body: Uint8Array, options: { readonly isComplete: boolean }): string | null => {
  if (isWideEncoding(body)) return null;
  const tailBytes = options.isComplete ? 0 : unfinishedTailBytes(body);
  const startByte = byteOrderMark.every((byte, index) => body[index] === byte) ? byteOrderMark.length : 0;
  const bytes = Buffer.from(
    body.buffer,
    body.byteOffset + startByte,
    Math.max(0, body.byteLength - startByte - tailBytes),
  );
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
};
