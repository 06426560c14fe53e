/**
 * The characters that stand for bytes in the vocabularies of byte-level BPE, as GPT-2 chose them: printable Latin-1
 * stands for itself, the other 68 bytes in order for U+0100 and up.
 */
const isItself = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

const LAST_CHARACTER = 0x143;

const byteOf = (() => {
  const bytes = new Int16Array(LAST_CHARACTER + 1).fill(-1);
  let next = 0x100;
  for (let byte = 0; byte < 256; byte += 1) {
    if (isItself(byte)) bytes[byte] = byte;
    else bytes[next++] = byte;
  }
  return bytes;
})();

/** Byte that a character of a vocabulary entry stands for, -1 where it stands for none. */
export const byteOfCharacter = (charCode: number): number => byteOf[charCode] ?? -1;

/**
 * Writes the bytes that the vocabulary entry `text[start, end)`, UTF-8, stands for to `into` and returns their number; -1
 * where one of its characters stands for no byte or they do not fit.
 */
export const writeEntryBytes = (text: Uint8Array, start: number, end: number, into: Uint8Array): number => {
  let length = 0;
  for (let at = start; at < end; at += 1) {
    const first = text[at] ?? 0;
    // All characters of the alphabet have one or two bytes.
    const charCode = first < 0x80 ? first : ((first & 0x1f) << 6) | ((text[at + 1] ?? 0) & 0x3f);
    const byte = first < 0xe0 ? byteOfCharacter(charCode) : -1;
    if (byte < 0 || length === into.length) return -1;
    into[length++] = byte;
    if (first >= 0x80) at += 1;
  }
  return length;
};
