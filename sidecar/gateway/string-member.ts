const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
/** `[` and `{`, `]` and `}` differ by one bit. */
const bracketBit = 0x20;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Place after the closing quote of the string whose opening one is at `start`; -1 where it does not end. */
const stringEnd = (body: Buffer, start: number): number => {
  for (let at = body.indexOf(quote, start + 1); at >= 0; at = body.indexOf(quote, at + 1)) {
    let escapes = 0;
    while (body[at - 1 - escapes] === backslash) escapes += 1;
    if (escapes % 2 === 0) return at + 1;
  }
  return -1;
};

/** Where text lies in a body, quotes included. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Where the value of a member of a JSON object lies, if it is a string; of several the last, which is the one that counts.
 * Null where there is none in what is known of the body. O(body), most of it by a search for quotes.
 */
const findString = (body: Buffer, name: string): Span | null => {
  const key = JSON.stringify(name);
  let found: Span | null = null;
  let depth = 0;
  /** Whether the string that comes next, at depth 1, is a member's value. */
  let isValue = false;
  let isWanted = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at] ?? 0;
    if (byte === quote) {
      const end = stringEnd(body, at);
      if (end < 0) return found;
      if (depth === 1 && isValue && isWanted) found = { start: at, end };
      if (depth === 1 && !isValue) isWanted = end - at === key.length && body.toString('latin1', at, end) === key;
      at = end - 1;
    } else if (byte === colon && depth === 1) isValue = true;
    else if (byte === comma && depth === 1) isValue = false;
    else if ((byte | bracketBit) === openBrace) depth += 1;
    else if ((byte | bracketBit) === closeBrace) depth -= 1;
  }
  return found;
};

/**
 * The body with another value for the member `name`, an ASCII word that needs no escapes, all else as it was; null where it
 * has none that is a string. `json` is the value's text. Copies the body.
 */
export const withStringReplaced = (body: Buffer, name: string, json: string): Buffer | null => {
  const span = findString(body, name);
  if (span === null) return null;
  return Buffer.concat([body.subarray(0, span.start), Buffer.from(json), body.subarray(span.end)]);
};
