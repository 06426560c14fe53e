import { toInt } from './numbers.ts';
import { characterAt, codePoints, substring, textLength } from './text.ts';
import {
  DictView,
  fail,
  isDict,
  isList,
  Markup,
  PyIterator,
  PyObject,
  PyRange,
  PyTuple,
  requireText,
  textOf,
  typeName,
  type Value,
} from './values.ts';

/** The items of a value that is no one-time iterator, as an array; null for those and for what cannot be iterated. */
export const itemsOf = (value: Value): readonly Value[] | null => {
  if (isList(value)) return value;
  if (value === undefined) return [];
  const text = textOf(value);
  if (text !== null) return codePoints(text);
  if (isDict(value)) return [...value.keys()];
  if (value instanceof PyTuple) return value.items;
  if (value instanceof PyRange || value instanceof DictView) return value.toArray();
  return null;
};

/** Python's `iter(value)`: lazily for one-time iterators. */
export const iterate = (value: Value): Iterable<Value> => {
  const items = itemsOf(value);
  if (items !== null) return items;
  return value instanceof PyIterator ? value.rest() : fail(`a ${typeName(value)} is not iterable`);
};

/** Whether `iter(value)` works. */
export const isIterable = (value: Value): boolean =>
  value instanceof PyIterator ||
  itemsOf(value) !== null ||
  (value instanceof PyObject && value.typeName === 'LoopContext');

/** Python's `list(value)`. */
export const toList = (value: Value): readonly Value[] => itemsOf(value) ?? [...iterate(value)];

/** Python's `reversed(value)` as an array, newest first; null where Python refuses. */
export const reversedItems = (value: Value): readonly Value[] | null => {
  if (value instanceof PyIterator) return null;
  return itemsOf(value)?.toReversed() ?? null;
};

/** Python's `len`, null where a value has none. */
export const sizeOf = (value: Value): number | null => {
  const text = textOf(value);
  if (text !== null) return textLength(text);
  if (value === undefined) return 0;
  if (isList(value)) return value.length;
  if (isDict(value)) return value.size;
  if (value instanceof PyTuple) return value.items.length;
  if (value instanceof PyRange) return value.length;
  return value instanceof DictView ? value.dict.size : null;
};

/** Values of an assignment to several targets. */
export const unpack = (value: Value, count: number): readonly Value[] => {
  const items = value instanceof PyTuple ? value.items : toList(value);
  return items.length === count ? items : fail(`expected ${count} values, got ${items.length}`);
};

/** An item by position from either end; undefined beyond them or where the value has no positions. */
export const itemAt = (value: Value, index: number): Value => {
  if (typeof value === 'string') return characterAt(value, index);
  if (value instanceof Markup) {
    const character = characterAt(value.text, index);
    return character === undefined ? undefined : new Markup(character);
  }
  const items = value instanceof PyTuple ? value.items : isList(value) ? value : null;
  if (items !== null) return items[index < 0 ? items.length + index : index];
  if (!(value instanceof PyRange)) return undefined;
  const position = index < 0 ? value.length + index : index;
  return position >= 0 && position < value.length ? value.start + position * value.step : undefined;
};

/** A slice bound: an int, or null for none. */
const boundOf = (value: Value): number | null => {
  if (value === null) return null;
  const int = toInt(value);
  return int === null ? fail('slice bounds must be ints') : Number(int);
};

interface SliceRange {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
}

/** Python's `slice.indices`. */
const resolveSlice = (length: number, start: Value, stop: Value, step: Value): SliceRange => {
  const stride = boundOf(step) ?? 1;
  if (stride === 0) return fail('slice step cannot be zero');
  const isForward = stride > 0;
  const lowest = isForward ? 0 : -1;
  const highest = isForward ? length : length - 1;
  const clamp = (bound: number | null, otherwise: number): number => {
    if (bound === null) return otherwise;
    return bound < 0 ? Math.max(bound + length, lowest) : Math.min(bound, highest);
  };
  return {
    start: clamp(boundOf(start), isForward ? lowest : highest),
    stop: clamp(boundOf(stop), isForward ? highest : lowest),
    step: stride,
  };
};

const pick = (items: readonly Value[], { start, stop, step }: SliceRange): readonly Value[] => {
  if (step === 1) return items.slice(start, Math.max(start, stop));
  const picked: Value[] = [];
  for (let at = start; step > 0 ? at < stop : at > stop; at += step) picked.push(items[at]);
  return picked;
};

/** Python's `value[start:stop:step]`; None stands for a bound that is left out. */
export const slice = (value: Value, start: Value, stop: Value, step: Value): Value => {
  if (typeof value === 'string') {
    const range = resolveSlice(textLength(value), start, stop, step);
    if (range.step === 1) return substring(value, range.start, Math.max(range.start, range.stop));
    return pick(codePoints(value), range).join('');
  }
  if (value instanceof Markup) return new Markup(requireText(slice(value.text, start, stop, step)));
  if (isList(value)) return pick(value, resolveSlice(value.length, start, stop, step));
  if (value instanceof PyTuple)
    return new PyTuple(pick(value.items, resolveSlice(value.items.length, start, stop, step)));
  if (value instanceof PyRange) {
    const range = resolveSlice(value.length, start, stop, step);
    const at = (position: number) => value.start + position * value.step;
    return new PyRange(at(range.start), at(range.stop), value.step * range.step);
  }
  return fail(`a ${typeName(value)} cannot be sliced`);
};
