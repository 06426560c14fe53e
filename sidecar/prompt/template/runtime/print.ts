import { JsonNumber } from '../../api/json-value.ts';
import { formatFloat, formatNumber, toNumeric } from './numbers.ts';
import {
  DictView,
  fail,
  isDict,
  isList,
  Markup,
  PyFloat,
  PyIterator,
  PyObject,
  PyRange,
  PyTuple,
  type Value,
} from './values.ts';

/** What Python's `repr` of a string escapes: everything but letters, marks, numbers, punctuation, symbols and the space. */
const unprintable = /[\p{C}\p{Z}\\'"]/u;

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

const escapeCharacter = (character: string): string => {
  const short = shortEscapes[character];
  if (short !== undefined) return short;
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  if (hex.length <= 2) return `\\x${hex.padStart(2, '0')}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
};

/** As Python's `repr` of a string. */
const quote = (text: string): string => {
  if (!unprintable.test(text)) return `'${text}'`;
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  let quoted = mark;
  for (const character of text) {
    if (character === mark) quoted += `\\${mark}`;
    else if (character === ' ' || character === "'" || character === '"') quoted += character;
    else quoted += unprintable.test(character) ? escapeCharacter(character) : character;
  }
  return quoted + mark;
};

const represent = (values: readonly Value[]): string => values.map(repr).join(', ');

/** As Python's `repr`: what a value looks like inside a printed list. Fails where Python prints a memory address. */
export const repr = (value: Value): string => {
  if (typeof value === 'string') return quote(value);
  if (value instanceof Markup) return `Markup(${quote(value.text)})`;
  return value === undefined ? 'Undefined' : print(value);
};

const printObject = (value: Exclude<Value, undefined | null | boolean | string | number | bigint>): string => {
  if (value instanceof PyFloat) return formatFloat(value.value);
  if (value instanceof Markup) return value.text;
  if (value instanceof JsonNumber) return formatNumber(toNumeric(value) ?? 0);
  if (isList(value)) return `[${represent(value)}]`;
  if (isDict(value)) return `{${Array.from(value, ([key, item]) => `${repr(key)}: ${repr(item)}`).join(', ')}}`;
  if (value instanceof PyTuple) return `(${represent(value.items)}${value.items.length === 1 ? ',' : ''})`;
  if (value instanceof PyRange) {
    const step = value.step === 1 ? '' : `, ${value.step}`;
    return `range(${value.start}, ${value.stop}${step})`;
  }
  if (value instanceof DictView) return `dict_${value.part}([${represent(value.toArray())}])`;
  if (value instanceof PyIterator) return fail('a generator has no stable text');
  return value instanceof PyObject ? value.print() : fail('a value without text');
};

/** As Python's `str`: what `{{ value }}` prints. */
export const print = (value: Value): string => {
  switch (typeof value) {
    case 'string':
      return value;
    case 'undefined':
      return '';
    case 'boolean':
      return value ? 'True' : 'False';
    case 'number':
    case 'bigint':
      return String(value);
    default:
      return value === null ? 'None' : printObject(value);
  }
};
