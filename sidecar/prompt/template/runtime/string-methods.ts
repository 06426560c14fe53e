import { type FieldAccess, formatBraces } from './brace-format.ts';
import { lookup, truthy } from './compare.ts';
import { countArgument } from './numbers.ts';
import { type Operation, takes, takesPositional, variadic } from './operation.ts';
import { iterate } from './sequences.ts';
import {
  capitalize,
  codePoints,
  compareText,
  replaceText,
  type StripSide,
  splitLines,
  splitSpaces,
  splitSpacesFromRight,
  splitText,
  splitTextFromRight,
  strip,
  substring,
  textLength,
  titleCase,
  toCodePointOffset,
} from './text.ts';
import { fail, isDict, PyTuple, requireText, type Value } from './values.ts';

type Method = Operation<string>;

const stripMethod = (side: StripSide): Method =>
  takesPositional([], { characters: null }, (text, characters) =>
    strip(text, characters === null ? null : requireText(characters), side),
  );

const splitMethod = (
  atSpaces: (text: string, limit: number) => readonly string[],
  atText: (text: string, separator: string, limit: number) => readonly string[],
): Method =>
  takes([], { sep: null, maxsplit: -1 }, (text, separator, limit) => {
    const count = countArgument(limit, 'maxsplit');
    if (separator === null) return atSpaces(text, count);
    return separator === '' ? fail('empty separator') : atText(text, requireText(separator), count);
  });

/** Code points from `start` to `stop` as Python's searching methods limit them. */
interface Window {
  readonly text: string;
  readonly start: number;
  /** False where `start` lies beyond the end: even an empty string is not found there. */
  readonly isWithin: boolean;
}

const windowOf = (text: string, start: Value, stop: Value): Window => {
  if (start === null && stop === null) return { text, start: 0, isWithin: true };
  const length = textLength(text);
  const clamp = (bound: Value, otherwise: number): number => {
    if (bound === null) return otherwise;
    const index = countArgument(bound, 'a bound');
    return index < 0 ? Math.max(0, index + length) : index;
  };
  const from = clamp(start, 0);
  const to = Math.min(length, clamp(stop, length));
  return { text: substring(text, from, Math.max(from, to)), start: from, isWithin: from <= to };
};

const affixMethod = (matches: (text: string, affix: string) => boolean): Method =>
  takesPositional(['affix'], { start: null, end: null }, (text, affix, start, stop) => {
    const window = windowOf(text, start, stop);
    const affixes = affix instanceof PyTuple ? affix.items : [affix];
    return affixes.some((one) => matches(window.text, requireText(one)) && window.isWithin);
  });

const findMethod = (search: (text: string, part: string) => number, isRequired: boolean): Method =>
  takesPositional(['part'], { start: null, end: null }, (text, part, start, stop) => {
    const window = windowOf(text, start, stop);
    const found = window.isWithin ? toCodePointOffset(window.text, search(window.text, requireText(part))) : -1;
    if (found === -1) return isRequired ? fail('substring not found') : -1;
    return window.start + found;
  });

const countPart = (text: string, part: string): number =>
  part === '' ? textLength(text) + 1 : text.split(part).length - 1;

const partitionMethod = (search: (text: string, part: string) => number, isFromRight: boolean): Method =>
  takesPositional(['sep'], {}, (text, separator) => {
    const part = requireText(separator);
    if (part === '') return fail('empty separator');
    const found = search(text, part);
    if (found !== -1) return new PyTuple([text.slice(0, found), part, text.slice(found + part.length)]);
    return new PyTuple(isFromRight ? ['', '', text] : [text, '', '']);
  });

const padMethod = (split: (missing: number, width: number) => number): Method =>
  takesPositional(['width'], { fill: ' ' }, (text, width, fill) => {
    const total = countArgument(width, 'width');
    const missing = total - textLength(text);
    const filler = requireText(fill);
    if (textLength(filler) !== 1) return fail('the fill character must be one character');
    if (missing > 1_000_000) return fail('a padding is too long');
    if (missing <= 0) return text;
    const left = split(missing, total);
    return filler.repeat(left) + text + filler.repeat(missing - left);
  });

const zeroFill = (text: string, width: Value): string => {
  const missing = countArgument(width, 'width') - textLength(text);
  if (missing <= 0) return text;
  if (missing > 1_000_000) return fail('a padding is too long');
  const sign = /^[-+]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
};

const predicate = (pattern: RegExp): Method => takesPositional([], {}, (text) => pattern.test(text));

const hasCase = (text: string, isWanted: (character: string) => boolean): boolean =>
  /\p{Cased}/u.test(text) &&
  codePoints(text).every((character) => !/\p{Cased}/u.test(character) || isWanted(character));

/** Python's `islower`. */
export const isLower = (text: string): boolean => hasCase(text, (character) => /\p{Lowercase}/u.test(character));

/** Python's `isupper`. */
export const isUpper = (text: string): boolean => hasCase(text, (character) => /\p{Uppercase}/u.test(character));

const expandTabs = (text: string, tabSize: number): string => {
  let column = 0;
  let expanded = '';
  for (const character of text) {
    if (character === '\t') {
      const width = tabSize > 0 ? tabSize - (column % tabSize) : 0;
      expanded += ' '.repeat(width);
      column += width;
    } else {
      expanded += character;
      column = character === '\n' || character === '\r' ? 0 : column + 1;
    }
  }
  return expanded;
};

const swapCase = (text: string): string =>
  text.replace(/./gsu, (character) => {
    const upper = character.toUpperCase();
    return upper === character ? character.toLowerCase() : upper;
  });

const joinTexts = (separator: string, values: Value): string => {
  const texts: string[] = [];
  for (const value of iterate(values)) texts.push(requireText(value));
  return texts.join(separator);
};

/** Digits for Python's `isdigit`: decimal digits, and super- and subscript and enclosed ones that have a digit value. */
const digits =
  /^[\p{Nd}\u00b2\u00b3\u00b9\u1369-\u1371\u19da\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792\u{10a40}-\u{10a43}\u{10e60}-\u{10e68}\u{11052}-\u{1105a}\u{1f100}-\u{1f10a}]+$/u;

/**
 * The methods of Python's str that templates can call, by name. `access` lets `format` follow paths in its fields;
 * `finish` turns each field's text into what is inserted.
 */
export const createStringMethods = (
  access: FieldAccess,
  finish: (text: string) => string,
): ReadonlyMap<string, Method> =>
  new Map<string, Method>([
    ['strip', stripMethod('both')],
    ['lstrip', stripMethod('left')],
    ['rstrip', stripMethod('right')],
    ['split', splitMethod(splitSpaces, splitText)],
    ['rsplit', splitMethod(splitSpacesFromRight, splitTextFromRight)],
    ['splitlines', takes([], { keepends: false }, (text, keep) => splitLines(text, truthy(keep)))],
    ['startswith', affixMethod((text, affix) => text.startsWith(affix))],
    ['endswith', affixMethod((text, affix) => text.endsWith(affix))],
    [
      'removeprefix',
      takesPositional(['prefix'], {}, (text, affix) => {
        const prefix = requireText(affix);
        return text.startsWith(prefix) ? text.slice(prefix.length) : text;
      }),
    ],
    [
      'removesuffix',
      takesPositional(['suffix'], {}, (text, affix) => {
        const suffix = requireText(affix);
        return text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text;
      }),
    ],
    [
      'replace',
      takesPositional(['old', 'new'], { count: -1 }, (text, old, replacement, count) =>
        replaceText(text, requireText(old), requireText(replacement), countArgument(count, 'count')),
      ),
    ],
    ['find', findMethod((text, part) => text.indexOf(part), false)],
    ['rfind', findMethod((text, part) => text.lastIndexOf(part), false)],
    ['index', findMethod((text, part) => text.indexOf(part), true)],
    ['rindex', findMethod((text, part) => text.lastIndexOf(part), true)],
    [
      'count',
      takesPositional(['part'], { start: null, end: null }, (text, part, start, stop) => {
        const window = windowOf(text, start, stop);
        return window.isWithin ? countPart(window.text, requireText(part)) : 0;
      }),
    ],
    ['partition', partitionMethod((text, part) => text.indexOf(part), false)],
    ['rpartition', partitionMethod((text, part) => text.lastIndexOf(part), true)],
    ['join', takesPositional(['iterable'], {}, (separator, values) => joinTexts(separator, values))],
    ['lower', takesPositional([], {}, (text) => text.toLowerCase())],
    ['upper', takesPositional([], {}, (text) => text.toUpperCase())],
    ['title', takesPositional([], {}, (text) => titleCase(text))],
    ['capitalize', takesPositional([], {}, (text) => capitalize(text))],
    ['swapcase', takesPositional([], {}, (text) => swapCase(text))],
    [
      'expandtabs',
      takes([], { tabsize: 8 }, (text, size) => expandTabs(text, Math.min(1000, countArgument(size, 'tabsize')))),
    ],
    ['ljust', padMethod(() => 0)],
    ['rjust', padMethod((missing) => missing)],
    // CPython puts the odd space to the left where both the padding and the width are odd.
    ['center', padMethod((missing, width) => Math.floor(missing / 2) + (missing & width & 1))],
    ['zfill', takesPositional(['width'], {}, (text, width) => zeroFill(text, width))],
    ['isalpha', predicate(/^\p{L}+$/u)],
    ['isalnum', predicate(/^[\p{L}\p{N}]+$/u)],
    ['isdecimal', predicate(/^\p{Nd}+$/u)],
    ['isdigit', predicate(digits)],
    ['isspace', takesPositional([], {}, (text) => text !== '' && strip(text, null, 'both') === '')],
    ['islower', takesPositional([], {}, (text) => isLower(text))],
    ['isupper', takesPositional([], {}, (text) => isUpper(text))],
    ['isascii', predicate(/^[\0-\x7f]*$/)],
    ['istitle', takesPositional([], {}, (text) => /\p{Cased}/u.test(text) && compareText(titleCase(text), text) === 0)],
    ['format', variadic((text, args, keywords) => formatBraces(text, { args, keywords, access, finish }))],
    [
      'format_map',
      takesPositional(['mapping'], {}, (text, mapping) => {
        if (!isDict(mapping)) return fail('format_map needs a dict');
        const keywords = new Map<string, Value>();
        for (const key of mapping.keys()) if (typeof key === 'string') keywords.set(key, lookup(mapping, key));
        return formatBraces(text, { args: [], keywords, access, finish });
      }),
    ],
  ]);
