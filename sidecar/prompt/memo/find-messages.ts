import type { BodyScanner } from './body-scanner.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const key = Buffer.from('"messages"');

/** Whether a byte is JSON's white space. */
export const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** First place from `at` on that holds no white space. */
export const skipSpace = (bytes: Uint8Array, at: number): number => {
  let place = at;
  while (isSpace(bytes[place] ?? 0)) place += 1;
  return place;
};

const isKey = (bytes: Uint8Array, at: number): boolean => {
  for (let offset = 0; offset < key.length; offset += 1) if (bytes[at + offset] !== key[offset]) return false;
  return true;
};

const skipValue = (scanner: BodyScanner, at: number, end: number): number => {
  const { bytes } = scanner;
  const byte = bytes[at] ?? 0;
  if (byte === QUOTE) return scanner.skipString(at, end);
  if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return scanner.skipContainer(at, end);
  let place = at;
  while (place < end && bytes[place] !== COMMA && bytes[place] !== CLOSE_BRACE) place += 1;
  return place < end ? place : -1;
};

/**
 * Where the list begins that the root object's first `"messages"` holds, at its bracket; -1 where there is none, or the
 * body does not look like a JSON object up to there. What precedes it is passed over, not checked.
 */
export const findMessages = (scanner: BodyScanner, end: number): number => {
  const { bytes } = scanner;
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_BRACE) return -1;
  at += 1;
  for (;;) {
    at = skipSpace(bytes, at);
    if (at >= end || bytes[at] !== QUOTE) return -1;
    const isWanted = isKey(bytes, at);
    at = scanner.skipString(at, end);
    if (at < 0) return -1;
    at = skipSpace(bytes, at);
    if (bytes[at] !== COLON) return -1;
    at = skipSpace(bytes, at + 1);
    if (at >= end) return -1;
    if (isWanted) return bytes[at] === OPEN_BRACKET ? at : -1;
    at = skipValue(scanner, at, end);
    if (at < 0) return -1;
    at = skipSpace(bytes, at);
    if (at >= end || bytes[at] !== COMMA) return -1;
    at += 1;
  }
};
