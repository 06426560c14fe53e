import { countArgument, type Int, normalize, toDouble, toInt, toNumeric } from './numbers.ts';
import { type Operation, takes } from './operation.ts';
import { power } from './operators.ts';
import { divideToEven, roundFloat } from './round.ts';
import { strip } from './text.ts';
import { fail, PyFloat, typeName, unmark, type Value } from './values.ts';

type Filter = Operation<Value>;

const digitsOfBase = (base: number): string => {
  const last = Math.min(10, base) - 1;
  return base <= 10 ? `[0-${last}]` : `[0-9a-${String.fromCharCode(86 + base)}]`;
};

const prefixOf: Readonly<Record<number, string>> = { 2: '0b', 8: '0o', 16: '0x' };

/** Python's `int(text, base)`, null where it raises a ValueError. */
const parseInteger = (text: string, base: number): Int | null => {
  if (base < 2 || base > 36) return null;
  const digit = digitsOfBase(base);
  const prefix = prefixOf[base];
  const pattern = new RegExp(
    `^([-+]?)(?:${prefix === undefined ? '' : `${prefix}_?`})?(${digit}+(?:_${digit}+)*)$`,
    'i',
  );
  const match = pattern.exec(strip(text, null, 'both'));
  if (match === null) return null;
  let value = 0n;
  for (const character of (match[2] ?? '').replaceAll('_', '').toLowerCase()) {
    value = value * BigInt(base) + BigInt(Number.parseInt(character, 36));
  }
  return normalize(match[1] === '-' ? -value : value);
};

/** Python's `float(text)`, null where it raises a ValueError. */
const parseFloatText = (text: string): number | null => {
  const trimmed = strip(text, null, 'both').toLowerCase();
  const special = /^([-+]?)(inf|infinity|nan)$/.exec(trimmed);
  if (special !== null) {
    const value = special[2] === 'nan' ? Number.NaN : Number.POSITIVE_INFINITY;
    return special[1] === '-' ? -value : value;
  }
  if (!/^[-+]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[-+]?\d+(?:_\d+)*)?$/.test(trimmed)) return null;
  return Number(trimmed.replaceAll('_', ''));
};

const truncate = (value: number): Int | null => (Number.isFinite(value) ? normalize(BigInt(Math.trunc(value))) : null);

const toInteger = (marked: Value, fallback: Value, base: Value): Value => {
  const value = unmark(marked);
  if (value === undefined) return fail('an undefined value is no int');
  if (typeof value === 'string') {
    const parsed = parseInteger(value, countArgument(base, 'base'));
    if (parsed !== null) return parsed;
    const double = parseFloatText(value);
    return (double === null ? null : truncate(double)) ?? fallback;
  }
  const numeric = toNumeric(value);
  if (!(numeric instanceof PyFloat)) return numeric ?? fallback;
  // Python lets int(float('inf')) pass as an OverflowError, which the filter does not catch at its first try.
  if (Math.abs(numeric.value) === Number.POSITIVE_INFINITY) return fail('an infinite int');
  return truncate(numeric.value) ?? fallback;
};

const toFloat = (marked: Value, fallback: Value): Value => {
  const value = unmark(marked);
  if (value === undefined) return fail('an undefined value is no float');
  if (typeof value === 'string') {
    const parsed = parseFloatText(value);
    return parsed === null ? fallback : new PyFloat(parsed);
  }
  const numeric = toNumeric(value);
  return numeric === null ? fallback : new PyFloat(toDouble(numeric));
};

const roundInt = (value: Int, places: number): Int => {
  if (places >= 0) return value;
  const unit = 10n ** BigInt(Math.min(400, -places));
  return normalize(divideToEven(BigInt(value), unit) * unit);
};

/** `math.ceil` or `math.floor` of value × 10^places, over 10^places again: always a float. */
const roundTowards = (value: Int | PyFloat, places: number, direction: (value: number) => number): Value => {
  const factor = toNumeric(power(10, places)) ?? 1;
  const scaled = toDouble(value) * toDouble(factor);
  return new PyFloat(direction(scaled) / toDouble(factor) + 0);
};

const round = (value: Value, precision: Value, method: Value): Value => {
  const numeric = toNumeric(value);
  if (numeric === null) return fail(`a ${typeName(value)} cannot be rounded`);
  const places = toInt(precision);
  if (places === null) return fail('precision is no int');
  if (method === 'ceil') return roundTowards(numeric, Number(places), Math.ceil);
  if (method === 'floor') return roundTowards(numeric, Number(places), Math.floor);
  if (method !== 'common') return fail('an unknown rounding method');
  return numeric instanceof PyFloat
    ? new PyFloat(roundFloat(numeric.value, Number(places)))
    : roundInt(numeric, Number(places));
};

const absolute = (value: Value): Value => {
  const numeric = toNumeric(value);
  if (numeric === null) return fail(`a ${typeName(value)} has no absolute value`);
  if (numeric instanceof PyFloat) return new PyFloat(Math.abs(numeric.value));
  return numeric < 0 ? normalize(-BigInt(numeric)) : numeric;
};

/** jinja2's filters on numbers, by name. */
export const numberFilters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ['abs', takes([], {}, absolute)],
  ['float', takes([], { default: new PyFloat(0) }, toFloat)],
  ['int', takes([], { default: 0, base: 10 }, toInteger)],
  ['round', takes([], { precision: 0, method: 'common' }, round)],
]);
