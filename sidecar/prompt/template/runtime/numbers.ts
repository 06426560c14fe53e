import { JsonNumber } from '../../api/json-value.ts';
import { fail, PyFloat, type Value } from './values.ts';

/** A Python int. */
export type Int = number | bigint;

/** Same int, as `number` where that is exact. */
export const normalize = (value: bigint): Int => {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
};

const fromJson = (json: JsonNumber): Int | PyFloat => {
  if (!json.isInteger) return new PyFloat(json.value);
  const near = json.value;
  return Number.isSafeInteger(near) ? near + 0 : normalize(BigInt(json.raw));
};

/** A value as int or float, bools as 0 and 1; null where it is no number. */
export const toNumeric = (value: Value): Int | PyFloat | null => {
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return value;
    case 'boolean':
      return value ? 1 : 0;
    case 'object':
      if (value instanceof PyFloat) return value;
      if (value instanceof JsonNumber) return fromJson(value);
      return null;
    default:
      return null;
  }
};

/** Nearest double of a numeric value. */
export const toDouble = (value: Int | PyFloat): number => {
  if (value instanceof PyFloat) return value.value;
  const double = Number(value);
  return Number.isFinite(double) ? double : fail('an int is too large for a float');
};

/** A value as int, bools as 0 and 1; null for anything else, floats included: what Python takes as an index. */
export const toInt = (value: Value): Int | null => {
  const numeric = toNumeric(value);
  return numeric instanceof PyFloat ? null : numeric;
};

/** An int argument as `number`; integers beyond 2^53 saturate, which suits counts and indices. */
export const countArgument = (value: Value, what: string): number => {
  const int = toInt(value);
  return int === null ? fail(`${what} is no int`) : Number(int);
};

/** As Python's `repr` of a float: shortest digits that read back, exponent from 1e16 and below 1e-4. */
export const formatFloat = (value: number): string => {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e');
    return `${digits}e${exponent.charAt(0)}${exponent.slice(1).padStart(2, '0')}`;
  }
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
};

/** As Python's `str` of a number. */
export const formatNumber = (value: Int | PyFloat): string =>
  value instanceof PyFloat ? formatFloat(value.value) : String(value);
