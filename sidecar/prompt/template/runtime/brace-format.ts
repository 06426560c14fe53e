import { formatDouble, groupThousands, LARGEST_WIDTH } from './format-number.ts';
import { type Int, toDouble, toNumeric } from './numbers.ts';
import { print, repr } from './print.ts';
import { substring, textLength } from './text.ts';
import { fail, type Keywords, Markup, PyFloat, typeName, unmark, type Value } from './values.ts';

/** How a field's path is followed; given from outside, since attributes know methods and those know formats. */
export interface FieldAccess {
  attribute(object: Value, name: string): Value;
  item(object: Value, key: Value): Value;
}

const specPattern = /^(?:(.)?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/su;

interface Spec {
  readonly fill: string;
  readonly align: string | null;
  readonly sign: string;
  readonly isAlternate: boolean;
  readonly width: number;
  readonly separator: string;
  readonly precision: number | null;
  readonly form: string;
}

const parseSpec = (text: string): Spec => {
  const match = specPattern.exec(text);
  if (match === null) return fail('an invalid format specification');
  const [, fill, align, sign = '-', z, hash, zero, width = '0', separator = '', precision, form = ''] = match;
  if (z !== undefined || form === 'n') return fail('a format specification that is not supported');
  if (Number(width) > LARGEST_WIDTH || Number(precision ?? 0) > LARGEST_WIDTH) return fail('a width is too large');
  return {
    fill: fill ?? (zero === undefined || align !== undefined ? (zero ?? ' ') : '0'),
    align: align ?? (zero === undefined ? null : '='),
    sign,
    isAlternate: hash !== undefined,
    width: Number(width),
    separator,
    precision: precision === undefined ? null : Number(precision),
    form,
  };
};

const align = (text: string, spec: Spec, defaultAlign: '<' | '>'): string => {
  const missing = spec.width - textLength(text);
  if (missing <= 0) return text;
  const left = Math.floor(missing / 2);
  switch (spec.align ?? defaultAlign) {
    case '<':
      return text + spec.fill.repeat(missing);
    case '^':
      return spec.fill.repeat(left) + text + spec.fill.repeat(missing - left);
    case '=': {
      const prefix = /^[-+ ]?(?:0[xXob])?/.exec(text)?.[0] ?? '';
      return prefix + spec.fill.repeat(missing) + text.slice(prefix.length);
    }
    default:
      return spec.fill.repeat(missing) + text;
  }
};

const radixes: Readonly<Record<string, { readonly radix: number; readonly prefix: string }>> = {
  b: { radix: 2, prefix: '0b' },
  o: { radix: 8, prefix: '0o' },
  x: { radix: 16, prefix: '0x' },
  X: { radix: 16, prefix: '0X' },
};

const formatInt = (value: Int, spec: Spec): string => {
  const base = radixes[spec.form];
  const digits = (value < 0 ? -BigInt(value) : BigInt(value)).toString(base?.radix ?? 10);
  const cased = spec.form === 'X' ? digits.toUpperCase() : digits;
  const grouped = spec.separator === '' ? cased : groupThousands(cased, spec.separator);
  return (value < 0 ? '-' : '') + (base !== undefined && spec.isAlternate ? base.prefix : '') + grouped;
};

const formatFloatBy = (value: number, spec: Spec): string => {
  if (spec.form === '%') return `${formatDouble(value * 100, 'f', spec.precision ?? 6, false)}%`;
  if (spec.form !== '') return formatDouble(value, spec.form, spec.precision ?? 6, spec.isAlternate);
  return spec.precision === null ? print(new PyFloat(value)) : formatDouble(value, 'g', spec.precision, false);
};

const formatNumberBy = (value: Int | PyFloat, spec: Spec): string => {
  const isIntForm = spec.form === '' || spec.form === 'd' || radixes[spec.form] !== undefined;
  let text: string;
  if (value instanceof PyFloat) {
    if (spec.form === 'd' || radixes[spec.form] !== undefined) return fail('a float for an int format');
    text = formatFloatBy(value.value, spec);
    if (spec.separator !== '') text = groupThousands(text, spec.separator);
  } else if (spec.form === 'c') text = String.fromCodePoint(Number(value));
  else if (isIntForm && spec.precision === null) text = formatInt(value, spec);
  else if (isIntForm) return fail('a precision for an int');
  else {
    text = formatFloatBy(toDouble(value), spec);
    if (spec.separator !== '') text = groupThousands(text, spec.separator);
  }
  const signed = text.startsWith('-') || spec.sign === '-' ? text : spec.sign + text;
  return align(signed, spec, '>');
};

const formatValue = (marked: Value, specText: string): string => {
  const value = unmark(marked);
  if (specText === '') return print(value);
  const spec = parseSpec(specText);
  if (typeof value === 'string') {
    if ((spec.form !== '' && spec.form !== 's') || spec.align === '=' || spec.sign !== '-')
      return fail('a number format for a str');
    return align(spec.precision === null ? value : substring(value, 0, spec.precision), spec, '<');
  }
  const numeric = toNumeric(value);
  if (numeric === null || spec.form === 's') return fail(`a ${typeName(value)} takes no such format`);
  return formatNumberBy(numeric, spec);
};

const convert = (value: Value, conversion: string | undefined): Value => {
  if (conversion === undefined) return value;
  if (conversion === 's') return print(value);
  if (conversion === 'r') return repr(value);
  return fail('a conversion that is not supported');
};

const fieldPattern = /^([^.[\]!:{}]*)((?:\.[^.[\]!:{}]+|\[[^\]]+\])*)(?:!([a-z]))?(?::(.*))?$/s;

/** What a format's fields are filled with. */
export interface FormatValues {
  readonly args: readonly Value[];
  readonly keywords: Keywords;
  readonly access: FieldAccess;
  /** Turns each field's text into what is inserted. */
  readonly finish: (text: string) => string;
}

/** Python's `str.format` inside jinja2's sandbox. */
class BraceFormatter {
  readonly #args: readonly Value[];
  readonly #keywords: Keywords;
  readonly #access: FieldAccess;
  readonly #finish: (text: string) => string;
  #automatic = 0;

  constructor({ args, keywords, access, finish }: FormatValues) {
    this.#args = args;
    this.#keywords = keywords;
    this.#access = access;
    this.#finish = finish;
  }

  format(text: string, depth: number): string {
    if (depth > 2) return fail('a format nested too deeply');
    let result = '';
    let position = 0;
    while (position < text.length) {
      const character = text.charAt(position);
      if (character !== '{' && character !== '}') {
        result += character;
        position += 1;
      } else if (text.charAt(position + 1) === character) {
        result += character;
        position += 2;
      } else if (character === '}') return fail('a single } in a format');
      else {
        const end = this.#findEnd(text, position);
        result += this.#formatField(text.slice(position + 1, end), depth);
        position = end + 1;
      }
    }
    return result;
  }

  #findEnd(text: string, start: number): number {
    let level = 0;
    for (let position = start; position < text.length; position += 1) {
      const character = text.charAt(position);
      if (character === '{') level += 1;
      else if (character === '}') {
        level -= 1;
        if (level === 0) return position;
      }
    }
    return fail('a { that is not closed in a format');
  }

  #formatField(field: string, depth: number): string {
    const match = fieldPattern.exec(field);
    if (match === null) return fail('an invalid field in a format');
    const [, first = '', path = '', conversion, spec = ''] = match;
    const value = this.#follow(this.#first(first), path);
    const converted = convert(value, conversion);
    const text = formatValue(converted, spec.includes('{') ? this.format(spec, depth + 1) : spec);
    return converted instanceof Markup ? text : this.#finish(text);
  }

  #first(name: string): Value {
    if (name !== '' && !/^\d+$/.test(name)) {
      return this.#keywords.has(name) ? this.#keywords.get(name) : fail('a format names a missing argument');
    }
    const index = name === '' ? this.#automatic++ : Number(name);
    return index < this.#args.length ? this.#args[index] : fail('a format counts beyond its arguments');
  }

  #follow(value: Value, path: string): Value {
    let current = value;
    for (const [part] of path.matchAll(/\.[^.[]+|\[[^\]]+\]/g)) {
      const key = part.startsWith('.') ? part.slice(1) : part.slice(1, -1);
      if (part.startsWith('.')) current = this.#access.attribute(current, key);
      else current = this.#access.item(current, /^\d+$/.test(key) ? Number(key) : key);
    }
    return current;
  }
}

/** Python's `text.format(*args, **keywords)`. */
export const formatBraces = (text: string, values: FormatValues): string => new BraceFormatter(values).format(text, 0);
