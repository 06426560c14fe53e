import { callMethod } from './attributes.ts';
import { truthy } from './compare.ts';
import { pathReader } from './filter-paths.ts';
import { dumpJson, type JsonStyle, plainJson } from './json.ts';
import { escapeHtml, toMarkup } from './markup.ts';
import { countArgument } from './numbers.ts';
import { type Operation, takes, variadic } from './operation.ts';
import { add, modulo } from './operators.ts';
import { print } from './print.ts';
import { isIterable, iterate, sizeOf, slice, unpack } from './sequences.ts';
import { capitalize, replaceText, splitLines, splitTextFromRight, strip, textLength } from './text.ts';
import {
  fail,
  isDict,
  Markup,
  noKeywords,
  PyTuple,
  requireText,
  textOf,
  typeName,
  unmark,
  type Value,
} from './values.ts';

type Filter = Operation<Value>;

/** Text that was made from a value, marked where the value was. */
const remark = (value: Value, text: string): Value => (value instanceof Markup ? new Markup(text) : text);

/** A value as str; a marked one stays marked. */
const softText = (value: Value): Value => (value instanceof Markup ? value : print(value));

// biome-ignore lint/suspicious/noControlCharactersInRegex: Python counts these as white space
const wordBreak = /([-\s\x1c-\x1f\x85({[<]+)/;

/** jinja2's own title case: words start after white space and some punctuation. */
const titleWords = (text: string): string =>
  text
    .split(wordBreak)
    .map((word) => {
      const first = String.fromCodePoint(word.codePointAt(0) ?? 0);
      return word === '' ? '' : first.toUpperCase() + word.slice(first.length).toLowerCase();
    })
    .join('');

const indentLines = (text: string, width: Value, first: Value, blank: Value): string => {
  const indention = textOf(width) ?? ' '.repeat(Math.max(0, Math.min(10_000, countArgument(width, 'width'))));
  const lines = splitLines(`${text}\n`, false);
  const [head = '', ...rest] = lines;
  const body = truthy(blank)
    ? lines.join(`\n${indention}`)
    : [head, ...rest.map((line) => (line === '' ? '' : indention + line))].join('\n');
  return truthy(first) ? indention + body : body;
};

const truncateText = (value: Value, length: number, killsWords: boolean, end: string, leeway: number): Value => {
  const room = length - textLength(end);
  if (room < 0 || leeway < 0) return fail('truncate cannot keep that little');
  const size = sizeOf(value) ?? fail(`a ${typeName(value)} has no length`);
  if (size <= length + leeway) return value;
  requireText(value);
  const cut = requireText(slice(unmark(value), null, room, null));
  const kept = killsWords ? cut : (splitTextFromRight(cut, ' ', 1)[0] ?? '');
  return add(remark(value, kept), end);
};

const indentOf = (indent: Value): string | null => {
  if (indent === null) return null;
  const text = textOf(indent);
  if (text !== null) return text;
  return ' '.repeat(Math.max(0, Math.min(1000, countArgument(indent, 'indent'))));
};

const jsonStyle = (ensureAscii: Value, indent: Value, separators: Value, sortKeys: Value): JsonStyle => {
  const indentText = indentOf(indent);
  const [itemSeparator, keySeparator] =
    separators === null ? [indentText === null ? ', ' : ',', ': '] : unpack(separators, 2).map(requireText);
  return {
    escapesNonAscii: truthy(ensureAscii),
    indent: indentText,
    itemSeparator: itemSeparator ?? '',
    keySeparator: keySeparator ?? '',
    sortsKeys: truthy(sortKeys),
  };
};

/** `urllib.parse.quote` of text as UTF-8. */
const urlQuote = (text: string, keepsSlash: boolean): string =>
  encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', keepsSlash ? '/' : '%2F');

const urlQuotePlus = (value: Value): string => urlQuote(print(value), false).replaceAll('%20', '+');

const urlEncode = (value: Value): string => {
  const text = textOf(value);
  if (text !== null) return urlQuote(text, true);
  if (!isIterable(value)) return urlQuote(print(value), true);
  const pairs = isDict(value) ? Array.from(value, (entry) => new PyTuple(entry)) : iterate(value);
  return Array.from(pairs, (pair) => unpack(pair, 2).map(urlQuotePlus).join('=')).join('&');
};

/** A filter on printed text; marked text stays marked where jinja2 applies a method of str to it. */
const onText = (run: (text: string) => string): Filter =>
  takes([], {}, (value: Value) => (value instanceof Markup ? new Markup(run(value.text)) : run(print(value))));

/** jinja2's filters that make text, by name; `tojson` is transformers' own. */
export const textFilters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ['capitalize', onText(capitalize)],
  [
    'center',
    takes([], { width: 80 }, (value: Value, width) => callMethod(softText(value), 'center', [width], noKeywords)),
  ],
  ['e', takes([], {}, toMarkup)],
  ['escape', takes([], {}, toMarkup)],
  ['forceescape', takes([], {}, (value: Value) => new Markup(escapeHtml(print(value))))],
  [
    'format',
    variadic((value: Value, args, keywords) => {
      if (args.length > 0 && keywords.size > 0) return fail('positional and named values for one format');
      return modulo(softText(value), keywords.size > 0 ? new Map<Value, Value>(keywords) : new PyTuple(args));
    }),
  ],
  [
    'indent',
    takes([], { width: 4, first: false, blank: false }, (value: Value, width, first, blank) =>
      remark(value, indentLines(requireText(value), width, first, blank)),
    ),
  ],
  [
    'join',
    takes([], { d: '', attribute: null }, (value: Value, separator, attribute) => {
      const read = pathReader(attribute);
      const texts: string[] = [];
      for (const one of iterate(value)) texts.push(print(attribute === null ? one : read(one)));
      return texts.join(print(separator));
    }),
  ],
  ['lower', onText((text) => text.toLowerCase())],
  [
    'replace',
    takes(['old', 'new'], { count: null }, (value: Value, old, replacement, count) =>
      replaceText(print(value), print(old), print(replacement), count === null ? -1 : countArgument(count, 'count')),
    ),
  ],
  ['safe', takes([], {}, (value: Value) => new Markup(print(value)))],
  ['string', onText((text) => text)],
  ['title', takes([], {}, (value: Value) => titleWords(print(value)))],
  [
    'tojson',
    takes(
      [],
      { ensure_ascii: false, indent: null, separators: null, sort_keys: false },
      (value: Value, ensureAscii, indent, separators, sortKeys) => {
        const isPlain = ensureAscii === false && indent === null && separators === null && sortKeys === false;
        return dumpJson(value, isPlain ? plainJson : jsonStyle(ensureAscii, indent, separators, sortKeys));
      },
    ),
  ],
  [
    'trim',
    takes([], { chars: null }, (value: Value, characters) =>
      remark(value, strip(print(value), characters === null ? null : requireText(characters), 'both')),
    ),
  ],
  [
    'truncate',
    takes(
      [],
      { length: 255, killwords: false, end: '...', leeway: null },
      (value: Value, length, killsWords, end, leeway) =>
        truncateText(
          value,
          countArgument(length, 'length'),
          truthy(killsWords),
          requireText(end),
          leeway === null ? 5 : countArgument(leeway, 'leeway'),
        ),
    ),
  ],
  ['upper', onText((text) => text.toUpperCase())],
  ['urlencode', takes([], {}, urlEncode)],
  ['wordcount', takes([], {}, (value: Value) => print(value).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)],
]);
