import { toFixedDecimals } from './round.ts';
import { fail } from './values.ts';

/** Most digits or characters of padding a format may ask for; guards against runaway templates. */
export const LARGEST_WIDTH = 10_000;

const exponentText = (text: string): string =>
  text.replace(/e([+-])(\d+)$/, (_, sign: string, digits: string) => `e${sign}${digits.padStart(2, '0')}`);

/** `%g`: the shorter of fixed and exponent form with `precision` significant digits, trailing zeros dropped unless kept. */
const formatGeneral = (value: number, precision: number, keepsZeros: boolean): string => {
  const digits = Math.max(1, precision);
  const [mantissa = '', exponent = '0'] = value.toExponential(digits - 1).split('e');
  const power = Number(exponent);
  const isFixed = power >= -4 && power < digits;
  const text = isFixed ? toFixedDecimals(value, digits - 1 - power) : mantissa;
  const trimmed = !keepsZeros && text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return isFixed
    ? trimmed
    : exponentText(`${trimmed}e${exponent.startsWith('-') ? '' : '+'}${exponent.replace('+', '')}`);
};

/** A float in the form `e`, `f` or `g` (upper case: upper-case output), sign included, as Python prints it. */
export const formatDouble = (value: number, form: string, precision: number, keepsZeros: boolean): string => {
  if (precision > LARGEST_WIDTH) return fail('a precision is too large');
  const lower = form.toLowerCase();
  let text: string;
  if (!Number.isFinite(value)) text = Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  else if (lower === 'f') text = toFixedDecimals(value, precision);
  else if (lower === 'e') text = exponentText(value.toExponential(Math.min(100, precision)));
  else text = formatGeneral(value, Math.min(100, precision), keepsZeros);
  return form === lower ? text : text.toUpperCase();
};

/** Thousands separators in the integer part of a number's text. */
export const groupThousands = (text: string, separator: string): string => {
  const [whole = '', ...rest] = text.split(/(?=[.e])/);
  return whole.replace(/\B(?=(\d{3})+$)/g, separator) + rest.join('');
};
