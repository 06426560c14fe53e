import { compare } from './compare.ts';
import { formatFloat, toNumeric } from './numbers.ts';
import { type Dict, fail, isDict, isList, PyFloat, PyTuple, textOf, typeName, type Value } from './values.ts';

/** Choices of transformers' `tojson` filter. */
export interface JsonStyle {
  readonly escapesNonAscii: boolean;
  /** Text of one level of indentation; null for one line. */
  readonly indent: string | null;
  readonly itemSeparator: string;
  readonly keySeparator: string;
  readonly sortsKeys: boolean;
}

/** `json.dumps(x, ensure_ascii=False)`. */
export const plainJson: JsonStyle = {
  escapesNonAscii: false,
  indent: null,
  itemSeparator: ', ',
  keySeparator: ': ',
  sortsKeys: false,
};

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

const escapeUnit = (unit: string): string =>
  shortEscapes[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const special = /[\0-\x1f"\\]/;

const escapeIfSpecial = (character: string): string => (special.test(character) ? escapeUnit(character) : character);

const quoteJson = (text: string, escapesNonAscii: boolean): string => {
  if (escapesNonAscii) return `"${text.replace(/[^ -~]|["\\]/g, escapeUnit)}"`;
  if (!special.test(text)) return `"${text}"`;
  // JSON.stringify escapes the same characters as Python, and lone surrogates besides.
  return text.isWellFormed() ? JSON.stringify(text) : `"${Array.from(text, escapeIfSpecial).join('')}"`;
};

const formatKey = (key: Value): string => {
  if (typeof key === 'string') return key;
  if (key === null || typeof key === 'boolean') return String(key);
  const numeric = toNumeric(key);
  if (numeric === null) return fail(`a ${typeName(key)} cannot be a JSON key`);
  return numeric instanceof PyFloat ? formatJsonFloat(numeric.value) : String(numeric);
};

const formatJsonFloat = (value: number): string => {
  if (Number.isFinite(value)) return formatFloat(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
};

const dumpBracketed = (opener: string, items: readonly string[], closer: string, style: JsonStyle, depth: number) => {
  if (items.length === 0) return opener + closer;
  if (style.indent === null) return opener + items.join(style.itemSeparator) + closer;
  const inner = `\n${style.indent.repeat(depth + 1)}`;
  const outer = `\n${style.indent.repeat(depth)}`;
  return opener + inner + items.join(style.itemSeparator + inner) + outer + closer;
};

const dumpDict = (dict: Dict, style: JsonStyle, depth: number): string => {
  const entries = [...dict];
  if (style.sortsKeys) entries.sort(([left], [right]) => compare(left, right));
  const items = entries.map(
    ([key, item]) =>
      quoteJson(formatKey(key), style.escapesNonAscii) + style.keySeparator + dump(item, style, depth + 1),
  );
  return dumpBracketed('{', items, '}', style, depth);
};

const dump = (value: Value, style: JsonStyle, depth: number): string => {
  const text = textOf(value);
  if (text !== null) return quoteJson(text, style.escapesNonAscii);
  if (value === null || typeof value === 'boolean') return String(value);
  if (isDict(value)) return dumpDict(value, style, depth);
  if (isList(value) || value instanceof PyTuple) {
    const items = isList(value) ? value : value.items;
    return dumpBracketed(
      '[',
      items.map((item) => dump(item, style, depth + 1)),
      ']',
      style,
      depth,
    );
  }
  const numeric = toNumeric(value);
  if (numeric === null) return fail(`a ${typeName(value)} cannot be written as JSON`);
  return numeric instanceof PyFloat ? formatJsonFloat(numeric.value) : String(numeric);
};

const dumpPlainItems = (items: readonly Value[]): string => {
  let text = '';
  for (const item of items) text += text === '' ? dumpPlain(item) : `, ${dumpPlain(item)}`;
  return `[${text}]`;
};

/** Same as {@link dump} in {@link plainJson}, which is what templates nearly always ask for. */
const dumpPlain = (value: Value): string => {
  if (typeof value === 'string') return quoteJson(value, false);
  if (isList(value)) return dumpPlainItems(value);
  if (!isDict(value)) return dump(value, plainJson, 0);
  let text = '';
  for (const [key, item] of value) {
    text += `${text === '' ? '' : ', '}${quoteJson(formatKey(key), false)}: ${dumpPlain(item)}`;
  }
  return `{${text}}`;
};

/** Texts that were long to write, by what they are written from, which nothing changes: a chat's tools come with each turn. */
const writtenTexts = new WeakMap<Dict | readonly Value[], string>();
const longText = 128;

const dumpRemembered = (value: Dict | readonly Value[]): string => {
  const written = writtenTexts.get(value);
  if (written !== undefined) return written;
  const text = dumpPlain(value);
  if (text.length >= longText) writtenTexts.set(value, text);
  return text;
};

/** JSON text exactly as Python's `json.dumps` writes it. */
export const dumpJson = (value: Value, style: JsonStyle): string => {
  if (style !== plainJson) return dump(value, style, 0);
  return isDict(value) || isList(value) ? dumpRemembered(value) : dumpPlain(value);
};
