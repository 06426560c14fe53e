import { lookup } from './compare.ts';
import { formatDouble, LARGEST_WIDTH } from './format-number.ts';
import { type Int, toDouble, toInt, toNumeric } from './numbers.ts';
import { print, repr } from './print.ts';
import { substring, textLength } from './text.ts';
import { fail, isDict, isList, Markup, PyFloat, PyRange, PyTuple, textOf, typeName, type Value } from './values.ts';

const directive = /%(?:\(([^()]*)\))?([-+ #0]*)(\*|\d+)?(\.(\*|\d+)?)?[hlL]?(.)?/gs;

/** Hands out the values of a printf-style format: by position from a tuple, or by key from a dict. */
class Values {
  readonly #source: Value;
  readonly #items: readonly Value[];
  #position = 0;

  constructor(source: Value) {
    this.#source = source;
    this.#items = source instanceof PyTuple ? source.items : [source];
  }

  next(): Value {
    if (this.#position >= this.#items.length) return fail('not enough values for a format');
    this.#position += 1;
    return this.#items[this.#position - 1];
  }

  named(key: string): Value {
    if (!isDict(this.#source)) return fail('a format with names needs a dict');
    // A dict that was read by name counts as used up.
    this.#position = this.#items.length;
    const value = lookup(this.#source, key);
    return value === undefined && !this.#source.has(key) ? fail('a format names a missing key') : value;
  }

  /** Values left over are an error, but for what Python takes for a mapping: it may be read by name. */
  requireAllUsed(): void {
    const source = this.#source;
    const isSubscriptable = isDict(source) || isList(source) || source instanceof PyRange || source === undefined;
    if (this.#position < this.#items.length && !isSubscriptable) fail('too many values for a format');
  }
}

const toWhole = (value: Value): Int => {
  const numeric = toNumeric(value);
  if (numeric === null) return fail(`a ${typeName(value)} is no number for a format`);
  if (!(numeric instanceof PyFloat)) return numeric;
  return Number.isFinite(numeric.value) ? BigInt(Math.trunc(numeric.value)) : fail('no int for a format');
};

const toCharacter = (value: Value): string => {
  const text = textOf(value);
  if (text !== null) return textLength(text) === 1 ? text : fail('%c needs one character');
  const code = toInt(value);
  return code !== null && code >= 0 && code <= 0x10ffff ? String.fromCodePoint(Number(code)) : fail('%c needs a code');
};

const bases: Readonly<Record<string, { readonly radix: number; readonly prefix: string }>> = {
  x: { radix: 16, prefix: '0x' },
  o: { radix: 8, prefix: '0o' },
};

const formatInteger = (value: Value, form: string, flags: string, precision: number | null): string => {
  const base = bases[form.toLowerCase()];
  if (base !== undefined && toInt(value) === null) return fail(`%${form} needs an int`);
  const whole = toWhole(value);
  const size = (whole < 0 ? -BigInt(whole) : BigInt(whole)).toString(base?.radix ?? 10);
  const digits = precision === null ? size : size.padStart(precision, '0');
  const prefix = base !== undefined && flags.includes('#') ? base.prefix : '';
  const text = `${whole < 0 ? '-' : ''}${prefix}${digits}`;
  return form === 'X' ? text.toUpperCase() : text;
};

const pad = (text: string, flags: string, width: number, isNumber: boolean): string => {
  let signed = text;
  if (isNumber && !text.startsWith('-'))
    signed = `${flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : ''}${text}`;
  const missing = width - textLength(signed);
  if (missing <= 0) return signed;
  if (flags.includes('-')) return signed + ' '.repeat(missing);
  if (!isNumber || !flags.includes('0')) return ' '.repeat(missing) + signed;
  const prefix = /^[-+ ]?(?:0[xXoO])?/.exec(signed)?.[0] ?? '';
  return prefix + '0'.repeat(missing) + signed.slice(prefix.length);
};

const sizeOf = (text: string | undefined, values: Values): number | null => {
  if (text === undefined) return null;
  const size = text === '*' ? Number(toInt(values.next()) ?? fail('* needs an int')) : Number(text);
  return Math.abs(size) <= LARGEST_WIDTH ? size : fail('a width is too large');
};

/**
 * Python's `format % values` for str: `%s %r %d %i %u %f %e %g %x %o %c %%` with flags, width, precision and names. `finish`
 * turns the text of each `%s` and `%r` into what is inserted.
 */
export const formatPercent = (format: string, source: Value, finish: (text: string) => string): string => {
  const values = new Values(source);
  const text = format.replace(
    directive,
    (whole, name: string | undefined, flags: string, widthText, point, precisionText, form: string | undefined) => {
      if (form === '%' && whole === '%%') return '%';
      let width = sizeOf(widthText, values) ?? 0;
      const precision = sizeOf(precisionText, values) ?? (point === undefined ? null : 0);
      let allFlags = flags;
      if (width < 0) {
        allFlags += '-';
        width = -width;
      }
      if (form === undefined) return fail('an incomplete format');
      if (form === '%') return '%';
      const value = name === undefined ? values.next() : values.named(name);
      switch (form) {
        case 's':
        case 'r': {
          const plain =
            form === 's' && value instanceof Markup ? value.text : finish(form === 's' ? print(value) : repr(value));
          return pad(precision === null ? plain : substring(plain, 0, precision), allFlags, width, false);
        }
        case 'c':
          return pad(toCharacter(value), allFlags, width, false);
        case 'd':
        case 'i':
        case 'u':
        case 'x':
        case 'X':
        case 'o':
          return pad(formatInteger(value, form, allFlags, precision), allFlags, width, true);
        case 'e':
        case 'E':
        case 'f':
        case 'F':
        case 'g':
        case 'G': {
          const numeric = toNumeric(value) ?? fail(`%${form} needs a number`);
          const number = formatDouble(toDouble(numeric), form, precision ?? 6, allFlags.includes('#'));
          return pad(number, allFlags, width, true);
        }
        default:
          return fail('an unknown format character');
      }
    },
  );
  values.requireAllUsed();
  return text;
};
