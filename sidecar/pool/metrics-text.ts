/** Names to look for in a metrics text, by length: a line whose name has another length is passed over at once. */
export type WantedNames = readonly (readonly string[] | undefined)[];

/** Prepares names for {@link readSamples}. Done once a set of names. */
export const wantNames = (names: Iterable<string>): WantedNames => {
  const byLength: string[][] = [];
  for (const name of names) {
    const sameLength = byLength[name.length] ?? [];
    sameLength.push(name);
    byLength[name.length] = sameLength;
  }
  return byLength;
};

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const TAB = 9;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const COMMA = 44;
const EQUALS = 61;
const BACKSLASH = 92;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;

const isBlank = (code: number): boolean => code === SPACE || code === TAB || code === CARRIAGE_RETURN;

/** Position of the first character from `from` that is none of a name's; at most `end`. */
const endOfName = (text: string, from: number, end: number): number => {
  let position = from;
  while (position < end) {
    const code = text.charCodeAt(position);
    if (code === BRACE_OPEN || code === SPACE || code === TAB) break;
    position += 1;
  }
  return position;
};

/** Position of the closing brace of a label block that opens before `from`, or −1; braces in quoted values do not count. */
const endOfLabels = (text: string, from: number, end: number): number => {
  let isQuoted = false;
  for (let position = from; position < end; position += 1) {
    const code = text.charCodeAt(position);
    if (code === BACKSLASH) position += 1;
    else if (code === QUOTE) isQuoted = !isQuoted;
    else if (code === BRACE_CLOSE && !isQuoted) return position;
  }
  return -1;
};

const skipBlanks = (text: string, from: number, end: number): number => {
  let position = from;
  while (position < end && isBlank(text.charCodeAt(position))) position += 1;
  return position;
};

/** Number in the text's notation; NaN where it is none. A timestamp behind it is left out. */
const readValue = (text: string, from: number, end: number): number => {
  const start = skipBlanks(text, from, end);
  let stop = start;
  while (stop < end && !isBlank(text.charCodeAt(stop))) stop += 1;
  if (stop === start) return Number.NaN;
  const word = text.slice(start, stop);
  if (word.endsWith('Inf')) return word.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(word);
};

/**
 * Calls `visit` for every sample of a wanted name, in the text's order, with the text between its braces (read it with
 * {@link labelValue}) and its value. Lines it cannot read are passed over; never throws. One pass, no allocation for
 * lines that are not wanted. Format: Prometheus text exposition 0.0.4.
 */
export const readSamples = (
  text: string,
  wanted: WantedNames,
  visit: (name: string, labels: string, value: number) => void,
): void => {
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const first = text.charCodeAt(start);
    if (first !== HASH && first !== NEWLINE) {
      const nameEnd = endOfName(text, start, end);
      const name = wanted[nameEnd - start]?.find((candidate) => text.startsWith(candidate, start));
      if (name !== undefined) {
        const open = skipBlanks(text, nameEnd, end);
        const hasLabels = text.charCodeAt(open) === BRACE_OPEN;
        const close = hasLabels ? endOfLabels(text, open + 1, end) : open - 1;
        if (!hasLabels || close !== -1) {
          const value = readValue(text, close + 1, end);
          if (!Number.isNaN(value)) visit(name, hasLabels ? text.slice(open + 1, close) : '', value);
        }
      }
    }
    start = end + 1;
  }
};

const withoutEscapes = (value: string): string =>
  value.includes('\\') ? value.replace(/\\(.)/g, (_, code: string) => (code === 'n' ? '\n' : code)) : value;

/** Value of one label in the text between a sample's braces, null where it has none. O(length). */
export const labelValue = (labels: string, label: string): string | null => {
  const { length } = labels;
  let position = 0;
  while (position < length) {
    const code = labels.charCodeAt(position);
    if (isBlank(code) || code === COMMA) {
      position += 1;
      continue;
    }
    const nameStart = position;
    while (position < length && labels.charCodeAt(position) !== EQUALS) position += 1;
    const nameEnd = position;
    const open = labels.indexOf('"', nameEnd);
    if (open === -1) return null;
    let close = open + 1;
    while (close < length && labels.charCodeAt(close) !== QUOTE) {
      close += labels.charCodeAt(close) === BACKSLASH ? 2 : 1;
    }
    const isWanted = labels.startsWith(label, nameStart) && labels.slice(nameStart, nameEnd).trimEnd() === label;
    if (isWanted) return withoutEscapes(labels.slice(open + 1, close));
    position = close + 1;
  }
  return null;
};
