import { JsonNumber } from '../../api/json-value.ts';
import { type Int, toNumeric } from './numbers.ts';
import { compareText } from './text.ts';
import {
  type Dict,
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
  requireText,
  textOf,
  typeName,
  unmark,
  type Value,
} from './values.ts';

/** Python's truth value. */
export const truthy = (value: Value): boolean => {
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'string':
      return value !== '';
    case 'number':
      return value !== 0;
    case 'undefined':
      return false;
    case 'bigint':
      return true;
  }
  if (value === null) return false;
  if (isDict(value)) return value.size > 0;
  if (isList(value)) return value.length > 0;
  if (value instanceof PyTuple) return value.items.length > 0;
  if (value instanceof PyRange) return value.length > 0;
  if (value instanceof DictView) return value.dict.size > 0;
  if (value instanceof PyFloat || value instanceof JsonNumber) return value.value !== 0;
  if (value instanceof Markup) return value.text !== '';
  return true;
};

const double = (value: Int | PyFloat): Int => (value instanceof PyFloat ? value.value : value);

/** Whether two values are the same object or equal: how containers compare their items. */
const same = (left: Value, right: Value): boolean => left === right || equal(left, right);

const sameItems = (left: readonly Value[], right: readonly Value[]): boolean =>
  left.length === right.length && left.every((item, at) => same(item, right[at]));

const sameEntries = (left: Dict, right: Dict): boolean => {
  if (left.size !== right.size) return false;
  for (const [key, value] of left) if (!hasKey(right, key) || !same(value, lookup(right, key))) return false;
  return true;
};

/** Python's `==`: numbers by value whatever their type, lists, tuples and dicts by content, other objects by identity. */
export const equal = (left: Value, right: Value): boolean => {
  if (left instanceof Markup || right instanceof Markup) return unmark(left) === unmark(right);
  if (typeof left === 'string' || typeof right === 'string') return left === right;
  if (left === undefined || left === null || right === undefined || right === null) return left === right;
  const leftNumber = toNumeric(left);
  if (leftNumber !== null) {
    const rightNumber = toNumeric(right);
    // Loose equality compares bigint and number by value.
    // biome-ignore lint/suspicious/noDoubleEquals: mixes bigint and number on purpose
    return rightNumber !== null && double(leftNumber) == double(rightNumber);
  }
  if (isList(left)) return isList(right) && sameItems(left, right);
  if (isDict(left)) return isDict(right) && sameEntries(left, right);
  if (left instanceof PyTuple) return right instanceof PyTuple && sameItems(left.items, right.items);
  if (left instanceof PyRange) return right instanceof PyRange && sameItems(left.toArray(), right.toArray());
  if (left instanceof DictView && right instanceof DictView && left.part === right.part && left.part !== 'values') {
    return left.dict.size === right.dict.size && left.toArray().every((item) => contains(right, item));
  }
  return left === right;
};

const compareItems = (left: readonly Value[], right: readonly Value[]): number => {
  for (let at = 0; at < left.length && at < right.length; at += 1) {
    if (!same(left[at], right[at])) return compare(left[at], right[at]);
  }
  return left.length - right.length;
};

/** Negative, zero or positive as `left` is before, equal to or after `right`; NaN where a float NaN is involved. */
export const compare = (left: Value, right: Value): number => {
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right);
  if (left instanceof Markup || right instanceof Markup) return compareText(requireText(left), requireText(right));
  const leftNumber = toNumeric(left);
  const rightNumber = toNumeric(right);
  if (leftNumber !== null && rightNumber !== null) {
    const a = double(leftNumber);
    const b = double(rightNumber);
    if (a < b) return -1;
    if (a > b) return 1;
    return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : 0;
  }
  if (isList(left) && isList(right)) return compareItems(left, right);
  if (left instanceof PyTuple && right instanceof PyTuple) return compareItems(left.items, right.items);
  return fail(`${typeName(left)} and ${typeName(right)} have no order`);
};

/** Fails for what Python cannot use as a dict key. */
export const requireHashable = (value: Value): void => {
  if (isList(value) || isDict(value) || value instanceof DictView) fail(`unhashable type: ${typeName(value)}`);
  if (value instanceof PyTuple) for (const item of value.items) requireHashable(item);
};

/** The key of a dict that equals `key`, wrapped so that an undefined key can be told from none. */
const findKey = (dict: Dict, key: Value): { readonly key: Value } | null => {
  if (key instanceof Markup) return dict.has(key.text) ? { key: key.text } : null;
  requireHashable(key);
  if (dict.has(key)) return { key };
  if (typeof key === 'string') return null;
  for (const candidate of dict.keys()) {
    if (typeof candidate !== 'string' && equal(candidate, key)) return { key: candidate };
  }
  return null;
};

/** Whether a dict has a key; O(1) for strings, O(keys) for others. */
export const hasKey = (dict: Dict, key: Value): boolean =>
  typeof key === 'string' ? dict.has(key) : findKey(dict, key) !== null;

/** The value of a key, undefined where it is missing. */
export const lookup = (dict: Dict, key: Value): Value => {
  if (typeof key === 'string') return dict.get(key);
  const found = findKey(dict, key);
  return found === null ? undefined : dict.get(found.key);
};

/** A new dict; of equal keys the first key and the last value count, as in Python. */
export const createDict = (entries: Iterable<readonly [Value, Value]>): Dict => {
  const dict = new Map<Value, Value>();
  for (const [key, value] of entries) dict.set(findKey(dict, key)?.key ?? unmark(key), value);
  return dict;
};

/** Python's `item in container`. */
export const contains = (container: Value, item: Value): boolean => {
  const text = textOf(container);
  if (text !== null) return text.includes(requireText(item));
  if (isList(container)) return container.some((member) => same(member, item));
  if (isDict(container)) return hasKey(container, item);
  if (container instanceof PyTuple) return container.items.some((member) => same(member, item));
  if (container instanceof PyRange) return container.toArray().some((member) => equal(member, item));
  if (container instanceof DictView) {
    if (container.part === 'keys') return hasKey(container.dict, item);
    return container.toArray().some((member) => same(member, item));
  }
  if (container instanceof PyIterator) {
    for (const member of container.rest()) if (same(member, item)) return true;
    return false;
  }
  return container === undefined ? false : fail(`a ${typeName(container)} is no container`);
};

/** Python's `is` as `sameas` tests it: small ints, strings and constants are one object, other values by identity. */
export const identical = (left: Value, right: Value): boolean => left === right;

/** Python's `callable`, which holds for jinja2's Undefined too, although calling it fails. */
export const isCallable = (value: Value): boolean =>
  value === undefined || (value instanceof PyObject && value.isCallable);
