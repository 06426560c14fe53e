import { ownAttribute } from './attributes.ts';
import { compare, equal, hasKey, requireHashable, truthy } from './compare.ts';
import { sortValues } from './container-methods.ts';
import { ignoreCase, multiPathReader, type PathReader, pathReader } from './filter-paths.ts';
import { countArgument } from './numbers.ts';
import { type Operation, takes } from './operation.ts';
import { add } from './operators.ts';
import { iterate, reversedItems, sizeOf, toList } from './sequences.ts';
import { codePoints } from './text.ts';
import {
  type Dict,
  DictView,
  fail,
  isDict,
  Markup,
  PyIterator,
  PyTuple,
  requireText,
  textOf,
  typeName,
  type Value,
} from './values.ts';

type Filter = Operation<Value>;

const identity: PathReader = (value) => value;

const keyReader = (attribute: Value, caseSensitive: Value): PathReader => {
  const read = pathReader(attribute);
  const finish = truthy(caseSensitive) ? identity : ignoreCase;
  return (value) => finish(read(value));
};

const first = (value: Value): Value => {
  for (const one of iterate(value)) return one;
  return undefined;
};

const last = (value: Value): Value => {
  const reversed = reversedItems(value);
  return reversed === null ? fail(`a ${typeName(value)} cannot be read from its end`) : reversed[0];
};

const reverse = (value: Value): Value => {
  const text = textOf(value);
  if (text !== null) {
    const reversed = codePoints(text).toReversed().join('');
    return value instanceof Markup ? new Markup(reversed) : reversed;
  }
  return new PyIterator(reversedItems(value) ?? toList(value).toReversed());
};

const extreme = (value: Value, key: PathReader, isBetter: (order: number) => boolean): Value => {
  let best: { readonly value: Value; readonly key: Value } | null = null;
  for (const one of iterate(value)) {
    const candidate = { value: one, key: key(one) };
    if (best === null || isBetter(compare(candidate.key, best.key))) best = candidate;
  }
  return best?.value;
};

function* unique(value: Value, key: PathReader): Generator<Value> {
  const seen = new Map<Value, Value>();
  for (const one of iterate(value)) {
    const mark = key(one);
    requireHashable(mark);
    if (hasKey(seen, mark)) continue;
    seen.set(mark, true);
    yield one;
  }
}

function* batch(value: Value, size: number, filler: Value): Generator<Value> {
  let row: Value[] = [];
  for (const one of iterate(value)) {
    if (row.length === size) {
      yield row;
      row = [];
    }
    row.push(one);
  }
  if (row.length === 0) return;
  while (filler !== null && row.length < Math.min(size, 100_000)) row.push(filler);
  yield row;
}

function* slices(value: Value, count: number, filler: Value): Generator<Value> {
  const items = toList(value);
  if (count === 0) return fail('division by zero');
  const size = Math.floor(items.length / count);
  const longer = items.length - size * count;
  let start = 0;
  for (let at = 0; at < count; at += 1) {
    const end = start + size + (at < longer ? 1 : 0);
    const part = items.slice(start, end);
    yield filler !== null && at >= longer ? [...part, filler] : part;
    start = end;
  }
}

const dictSort = (dict: Dict, caseSensitive: Value, by: Value, isReversed: Value): Value => {
  if (by !== 'key' && by !== 'value') return fail('dictsort sorts by key or value');
  const finish = truthy(caseSensitive) ? identity : ignoreCase;
  const position = by === 'key' ? 0 : 1;
  const key: PathReader = (pair) => (pair instanceof PyTuple ? finish(pair.items[position]) : pair);
  return sortValues(new DictView(dict, 'items').toArray(), key, truthy(isReversed));
};

const groupBy = (value: Value, attribute: Value, fallback: Value, caseSensitive: Value): Value => {
  const read = pathReader(attribute, fallback);
  const finish = truthy(caseSensitive) ? identity : ignoreCase;
  const key: PathReader = (one) => finish(read(one));
  const groups: { readonly key: Value; readonly items: Value[] }[] = [];
  for (const one of sortValues(toList(value), key, false)) {
    const mark = key(one);
    const group = groups.at(-1);
    if (group !== undefined && equal(group.key, mark)) group.items.push(one);
    else groups.push({ key: mark, items: [one] });
  }
  return groups.map(({ items }) => new PyTuple([read(items[0]), items], ['grouper', 'list']));
};

const sum = (value: Value, attribute: Value, start: Value): Value => {
  if (textOf(start) !== null) return fail('sum cannot add strings');
  const read = pathReader(attribute);
  let total: Value = start;
  for (const one of iterate(value)) total = add(total, read(one));
  return total;
};

const itemPairs = (value: Value): Value => {
  if (value === undefined) return new PyIterator([]);
  return isDict(value) ? new PyIterator(new DictView(value, 'items').toArray()) : fail('items needs a mapping');
};

const length = takes([], {}, (value: Value) => sizeOf(value) ?? fail(`a ${typeName(value)} has no length`));

const withDefault = takes([], { default_value: '', boolean: false }, (value: Value, fallback, boolean) =>
  value === undefined || (truthy(boolean) && !truthy(value)) ? fallback : value,
);

const ordered = { case_sensitive: false, attribute: null };

/** jinja2's filters on lists, dicts and values of any type, by name. */
export const sequenceFilters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ['attr', takes(['name'], {}, (value: Value, name) => ownAttribute(value, requireText(name)))],
  [
    'batch',
    takes(
      ['linecount'],
      { fill_with: null },
      (value: Value, size, filler) => new PyIterator(batch(value, countArgument(size, 'linecount'), filler)),
    ),
  ],
  ['count', length],
  ['d', withDefault],
  ['default', withDefault],
  [
    'dictsort',
    takes([], { case_sensitive: false, by: 'key', reverse: false }, (value: Value, caseSensitive, by, isReversed) =>
      isDict(value) ? dictSort(value, caseSensitive, by, isReversed) : fail('dictsort needs a mapping'),
    ),
  ],
  ['first', takes([], {}, first)],
  ['groupby', takes(['attribute'], { default: null, case_sensitive: false }, groupBy)],
  ['items', takes([], {}, itemPairs)],
  ['last', takes([], {}, last)],
  ['length', length],
  ['list', takes([], {}, (value: Value) => toList(value))],
  [
    'max',
    takes([], ordered, (value: Value, caseSensitive, attribute) =>
      extreme(value, keyReader(attribute, caseSensitive), (order) => order > 0),
    ),
  ],
  [
    'min',
    takes([], ordered, (value: Value, caseSensitive, attribute) =>
      extreme(value, keyReader(attribute, caseSensitive), (order) => order < 0),
    ),
  ],
  ['reverse', takes([], {}, reverse)],
  [
    'slice',
    takes(
      ['slices'],
      { fill_with: null },
      (value: Value, count, filler) => new PyIterator(slices(value, countArgument(count, 'slices'), filler)),
    ),
  ],
  [
    'sort',
    takes([], { reverse: false, ...ordered }, (value: Value, isReversed, caseSensitive, attribute) =>
      sortValues(
        toList(value),
        multiPathReader(attribute, truthy(caseSensitive) ? identity : ignoreCase),
        truthy(isReversed),
      ),
    ),
  ],
  ['sum', takes([], { attribute: null, start: 0 }, sum)],
  [
    'unique',
    takes(
      [],
      ordered,
      (value: Value, caseSensitive, attribute) => new PyIterator(unique(value, keyReader(attribute, caseSensitive))),
    ),
  ],
]);
