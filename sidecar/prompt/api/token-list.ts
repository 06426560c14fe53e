/** A list of integers, or of lists of them, read from a JSON text. */
export interface TokenListReading {
  readonly lists: readonly Int32Array[];
  readonly isNested: boolean;
  readonly isLastOpen: boolean;
  /** Whether the text ended within the value. */
  readonly isCut: boolean;
  /** Position after the value. */
  readonly end: number;
}

const comma = 44;
const zero = 48;
const nine = 57;
const openBracket = 91;
const closeBracket = 93;
const maxInt32 = 0x7fffffff;
const firstCapacity = 1024;

const skipSpace = (text: string, at: number): number => {
  let next = at;
  for (;;) {
    const code = text.charCodeAt(next);
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return next;
    next++;
  }
};

type List = { readonly ids: Int32Array; readonly isCut: boolean; readonly end: number };

const grown = (buffer: Int32Array): Int32Array<ArrayBuffer> => {
  const larger = new Int32Array(buffer.length * 2);
  larger.set(buffer);
  return larger;
};

/** A flat list from its opening bracket on; null where an item is anything but an integer in [0, 2^31). */
const readFlatList = (text: string, start: number): List | null => {
  let buffer = new Int32Array(firstCapacity);
  let count = 0;
  let at = skipSpace(text, start + 1);
  const finished = (end: number, isCut: boolean): List => ({ ids: buffer.slice(0, count), isCut, end });
  if (text.charCodeAt(at) === closeBracket) return finished(at + 1, false);
  for (;;) {
    if (at >= text.length) return finished(text.length, true);
    const firstDigit = at;
    let value = 0;
    let code = text.charCodeAt(at);
    while (code >= zero && code <= nine) {
      value = value * 10 + (code - zero);
      if (value > maxInt32) return null;
      code = text.charCodeAt(++at);
    }
    // A number that the text's end touches may go on.
    if (at >= text.length) return finished(text.length, true);
    const digits = at - firstDigit;
    if (digits === 0 || (digits > 1 && text.charCodeAt(firstDigit) === zero)) return null;
    if (count === buffer.length) buffer = grown(buffer);
    buffer[count++] = value;
    at = skipSpace(text, at);
    code = text.charCodeAt(at);
    if (code === closeBracket) return finished(at + 1, false);
    if (code !== comma) return at >= text.length ? finished(text.length, true) : null;
    at = skipSpace(text, at + 1);
  }
};

const readNestedList = (text: string, firstList: number): TokenListReading | null => {
  const lists: Int32Array[] = [];
  let at = firstList;
  for (;;) {
    if (at >= text.length) return { lists, isNested: true, isLastOpen: false, isCut: true, end: text.length };
    if (text.charCodeAt(at) !== openBracket) return null;
    const list = readFlatList(text, at);
    if (list === null) return null;
    lists.push(list.ids);
    if (list.isCut) return { lists, isNested: true, isLastOpen: true, isCut: true, end: list.end };
    at = skipSpace(text, list.end);
    const code = text.charCodeAt(at);
    if (code === closeBracket) return { lists, isNested: true, isLastOpen: false, isCut: false, end: at + 1 };
    if (code !== comma)
      return at >= text.length ? { lists, isNested: true, isLastOpen: false, isCut: true, end: at } : null;
    at = skipSpace(text, at + 1);
  }
};

/**
 * Reads token ids from the opening bracket at `start`, one typed array a list. Null where the value is anything but a
 * list of integers in [0, 2^31) or a list of such lists, an empty list included.
 */
export const readTokenList = (text: string, start: number): TokenListReading | null => {
  const first = skipSpace(text, start + 1);
  const code = text.charCodeAt(first);
  if (code === openBracket) return readNestedList(text, first);
  if (!(code >= zero && code <= nine)) return null;
  const list = readFlatList(text, start);
  if (list === null) return null;
  return { lists: [list.ids], isNested: false, isLastOpen: list.isCut, isCut: list.isCut, end: list.end };
};
