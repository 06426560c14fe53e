import { escapeHtml, toMarkup } from './markup.ts';
import { type Int, normalize, toDouble, toInt, toNumeric } from './numbers.ts';
import { formatPercent } from './percent-format.ts';
import { fail, isList, Markup, PyFloat, PyTuple, textOf, typeName, type Value } from './values.ts';

/** Longest string or list that repetition may make, and most bits of a power: guards against runaway templates. */
const LARGEST_RESULT = 10_000_000;

const unsupported = (operator: string, left: Value, right: Value): never =>
  fail(`unsupported operands for ${operator}: ${typeName(left)} and ${typeName(right)}`);

type IntOperation = (left: bigint, right: bigint) => bigint;
type FloatOperation = (left: number, right: number) => number;

/** Numbers as Python combines them: ints exactly, floats as soon as one side is a float. Null where a side is no number. */
const combine = (left: Value, right: Value, ints: IntOperation, floats: FloatOperation): Int | PyFloat | null => {
  const a = toNumeric(left);
  const b = toNumeric(right);
  if (a === null || b === null) return null;
  if (a instanceof PyFloat || b instanceof PyFloat) return new PyFloat(floats(toDouble(a), toDouble(b)));
  return normalize(ints(BigInt(a), BigInt(b)));
};

/** Python's `+`. */
export const add = (left: Value, right: Value): Value => {
  if (typeof left === 'string' && typeof right === 'string') return left + right;
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right;
    if (Number.isSafeInteger(sum)) return sum;
  }
  if (left instanceof Markup || right instanceof Markup) {
    if (textOf(left) === null || textOf(right) === null) return unsupported('+', left, right);
    return new Markup(toMarkup(left).text + toMarkup(right).text);
  }
  if (isList(left) && isList(right)) return [...left, ...right];
  if (left instanceof PyTuple && right instanceof PyTuple) return new PyTuple([...left.items, ...right.items]);
  const sum = combine(
    left,
    right,
    (a, b) => a + b,
    (a, b) => a + b,
  );
  return sum ?? unsupported('+', left, right);
};

/** Python's `-`. */
export const subtract = (left: Value, right: Value): Value => {
  if (typeof left === 'number' && typeof right === 'number') {
    const difference = left - right;
    if (Number.isSafeInteger(difference)) return difference;
  }
  const difference = combine(
    left,
    right,
    (a, b) => a - b,
    (a, b) => a - b,
  );
  return difference ?? unsupported('-', left, right);
};

/** A str, list or tuple repeated; null for other values. */
const repeat = (value: Value, times: Int): Value | null => {
  const size = value instanceof PyTuple ? value.items.length : isList(value) ? value.length : textOf(value)?.length;
  if (size === undefined) return null;
  const count = Math.max(0, Number(times));
  const isIndexSized = typeof times === 'number' || BigInt.asIntN(64, times) === times;
  if (!isIndexSized || size * count > LARGEST_RESULT) return fail('a repetition is too long');
  if (typeof value === 'string') return value.repeat(size === 0 ? 0 : count);
  if (value instanceof Markup) return new Markup(value.text.repeat(size === 0 ? 0 : count));
  const items = value instanceof PyTuple ? value.items : isList(value) ? value : [];
  const repeated = Array.from({ length: size === 0 ? 0 : count }, () => items).flat();
  return isList(value) ? repeated : new PyTuple(repeated);
};

/** Python's `*`: numbers, or a string, list or tuple repeated. */
export const multiply = (left: Value, right: Value): Value => {
  const rightInt = toInt(right);
  const repeated = rightInt === null ? null : repeat(left, rightInt);
  if (repeated !== null) return repeated;
  const leftInt = toInt(left);
  const mirrored = leftInt === null ? null : repeat(right, leftInt);
  if (mirrored !== null) return mirrored;
  const product = combine(
    left,
    right,
    (a, b) => a * b,
    (a, b) => a * b,
  );
  return product ?? unsupported('*', left, right);
};

const refuseZero = (divisor: Value): void => {
  const numeric = toNumeric(divisor);
  if (numeric !== null && Number(numeric instanceof PyFloat ? numeric.value : numeric) === 0) fail('division by zero');
};

/** Python's `/`, always a float. */
export const divide = (left: Value, right: Value): Value => {
  const a = toNumeric(left);
  const b = toNumeric(right);
  if (a === null || b === null) return unsupported('/', left, right);
  refuseZero(right);
  return new PyFloat(toDouble(a) / toDouble(b));
};

const floorDivideInts: IntOperation = (left, right) => {
  const quotient = left / right;
  return left % right !== 0n && left < 0n !== right < 0n ? quotient - 1n : quotient;
};

const moduloInts: IntOperation = (left, right) => {
  const remainder = left % right;
  return remainder !== 0n && remainder < 0n !== right < 0n ? remainder + right : remainder;
};

/** As CPython's float modulo: the result has the divisor's sign, zeros included. */
const moduloFloats: FloatOperation = (left, right) => {
  const remainder = left % right;
  if (remainder === 0) return right < 0 || Object.is(right, -0) ? -0 : 0;
  return remainder < 0 !== right < 0 ? remainder + right : remainder;
};

/** As CPython's float floor division, which rounds the exact quotient. */
const floorDivideFloats: FloatOperation = (left, right) => {
  const remainder = left % right;
  let quotient = (left - remainder) / right;
  if (remainder !== 0 && remainder < 0 !== right < 0) quotient -= 1;
  if (quotient === 0) return left / right < 0 ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
};

/** Python's `//`. */
export const floorDivide = (left: Value, right: Value): Value => {
  refuseZero(right);
  return combine(left, right, floorDivideInts, floorDivideFloats) ?? unsupported('//', left, right);
};

/** Python's `%`: numbers, or a string formatted. */
export const modulo = (left: Value, right: Value): Value => {
  if (typeof left === 'string') return formatPercent(left, right, (text) => text);
  if (left instanceof Markup) return new Markup(formatPercent(left.text, right, escapeHtml));
  if (typeof left === 'number' && typeof right === 'number' && left >= 0 && right > 0) return left % right;
  refuseZero(right);
  return combine(left, right, moduloInts, moduloFloats) ?? unsupported('%', left, right);
};

const powerOfFloats: FloatOperation = (left, right) => {
  if (left === 0 && right < 0) return fail('zero to a negative power');
  if (left < 0 && Number.isFinite(right) && !Number.isInteger(right)) return fail('a complex power');
  // Python: 1 to any power, and anything to the power 0, is 1, NaN included.
  const power = left === 1 ? 1 : left ** right;
  const isOverflow = !Number.isFinite(power) && Number.isFinite(left) && Number.isFinite(right);
  return isOverflow ? fail('a power is too large') : power;
};

/** Python's `**`. */
export const power = (left: Value, right: Value): Value => {
  const base = toInt(left);
  const exponent = toInt(right);
  if (base !== null && exponent !== null && exponent >= 0) {
    const bits = BigInt(base).toString(2).length * Number(exponent);
    if (bits > LARGEST_RESULT) return fail('a power is too large');
    return normalize(BigInt(base) ** BigInt(exponent));
  }
  const a = toNumeric(left);
  const b = toNumeric(right);
  if (a === null || b === null) return unsupported('**', left, right);
  return new PyFloat(powerOfFloats(toDouble(a), toDouble(b)));
};

/** Python's unary `-` and `+`. */
export const applySign = (operator: '+' | '-', operand: Value): Value => {
  const numeric = toNumeric(operand);
  if (numeric === null) return fail(`a ${typeName(operand)} has no sign`);
  if (operator === '+') return numeric;
  return numeric instanceof PyFloat ? new PyFloat(-numeric.value) : normalize(-BigInt(numeric));
};
