import type { BodyScanner } from './body-scanner.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const keys = {
  messages: Buffer.from('"messages"'),
  input: Buffer.from('"input"'),
  tools: Buffer.from('"tools"'),
} as const;

/** Whether a byte is JSON's white space. */
export const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** First place from `at` on that holds no white space. */
export const skipSpace = (bytes: Uint8Array, at: number): number => {
  let place = at;
  while (isSpace(bytes[place] ?? 0)) place += 1;
  return place;
};

const isKey = (bytes: Uint8Array, at: number, key: Uint8Array): boolean => {
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

/** Where the value of the first member named `key` begins; -1 where there is none. `at` is where a member should begin. */
const findMember = (scanner: BodyScanner, key: Uint8Array, { at, end }: { at: number; end: number }): number => {
  const { bytes } = scanner;
  let place = at;
  for (;;) {
    place = skipSpace(bytes, place);
    if (place >= end || bytes[place] !== QUOTE) return -1;
    const isWanted = isKey(bytes, place, key);
    place = scanner.skipString(place, end);
    if (place < 0) return -1;
    place = skipSpace(bytes, place);
    if (bytes[place] !== COLON) return -1;
    place = skipSpace(bytes, place + 1);
    if (place >= end) return -1;
    if (isWanted) return place;
    place = skipValue(scanner, place, end);
    if (place < 0) return -1;
    place = skipSpace(bytes, place);
    if (place >= end || bytes[place] !== COMMA) return -1;
    place += 1;
  }
};

/** A list in the scanner's body, from its bracket to behind it. */
export interface ListPlace {
  readonly start: number;
  readonly end: number;
}

/**
 * Where the list begins that the root object's first member of that name holds, at its bracket; -1 where there is none, or
 * the body does not look like a JSON object up to there. What precedes it is passed over, not checked.
 */
export const findList = (scanner: BodyScanner, name: 'messages' | 'input', end: number): number => {
  const { bytes } = scanner;
  const at = skipSpace(bytes, 0);
  const found = bytes[at] === OPEN_BRACE ? findMember(scanner, keys[name], { at: at + 1, end }) : -1;
  return found >= 0 && bytes[found] === OPEN_BRACKET ? found : -1;
};

/** The list that a `"tools"` of the root object holds, before or behind another list; null where there is none. */
export const findTools = (scanner: BodyScanner, other: ListPlace, end: number): ListPlace | null => {
  const { bytes } = scanner;
  const first = skipSpace(bytes, 0) + 1;
  let start = findMember(scanner, keys.tools, { at: first, end: other.start });
  if (start < 0) start = findMember(scanner, keys.tools, { at: skipSpace(bytes, other.end) + 1, end });
  const behind = start >= 0 && bytes[start] === OPEN_BRACKET ? scanner.skipContainer(start, end) : -1;
  return behind < 0 ? null : { start, end: behind };
};
