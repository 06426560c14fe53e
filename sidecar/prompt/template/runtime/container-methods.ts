import { compare, createDict, equal, lookup, requireHashable } from './compare.ts';
import { countArgument } from './numbers.ts';
import { type Operation, takesPositional } from './operation.ts';
import { toList } from './sequences.ts';
import { type Dict, DictView, fail, type Value } from './values.ts';

/** Methods of dict that jinja2's sandbox hides, since they change the dict: reading them gives undefined. */
export const hiddenDictMethods: ReadonlySet<string> = new Set(['clear', 'pop', 'popitem', 'setdefault', 'update']);

/** Methods of list that the sandbox hides. */
export const hiddenListMethods: ReadonlySet<string> = new Set([
  'append',
  'clear',
  'extend',
  'insert',
  'pop',
  'remove',
  'reverse',
  'sort',
]);

/** The methods of Python's dict that templates can call. */
export const dictMethods: ReadonlyMap<string, Operation<Dict>> = new Map<string, Operation<Dict>>([
  ['items', takesPositional([], {}, (dict) => new DictView(dict, 'items'))],
  ['keys', takesPositional([], {}, (dict) => new DictView(dict, 'keys'))],
  ['values', takesPositional([], {}, (dict) => new DictView(dict, 'values'))],
  ['copy', takesPositional([], {}, (dict) => dict)],
  [
    'get',
    takesPositional(['key'], { fallback: null }, (dict, key, fallback) => {
      requireHashable(key);
      const value = lookup(dict, key);
      return value === undefined && !dict.has(key) ? fallback : value;
    }),
  ],
  [
    'fromkeys',
    takesPositional(['keys'], { value: null }, (_dict, keys, value) =>
      createDict(toList(keys).map((key): readonly [Value, Value] => [key, value])),
    ),
  ],
]);

const indexOf = (items: readonly Value[], wanted: Value, start: Value, stop: Value): number => {
  const clamp = (bound: Value): number => {
    const index = countArgument(bound, 'a bound');
    return index < 0 ? Math.max(0, index + items.length) : index;
  };
  const end = Math.min(items.length, clamp(stop));
  for (let at = clamp(start); at < end; at += 1) if (items[at] === wanted || equal(items[at], wanted)) return at;
  return fail('value is not in the list');
};

/** The methods of Python's tuple, which list and range share. */
export const sequenceMethods: ReadonlyMap<string, Operation<readonly Value[]>> = new Map<
  string,
  Operation<readonly Value[]>
>([
  [
    'index',
    takesPositional(['value'], { start: 0, stop: Number.MAX_SAFE_INTEGER }, (items, value, start, stop) =>
      indexOf(items, value, start, stop),
    ),
  ],
  [
    'count',
    takesPositional(
      ['value'],
      {},
      (items, value) => items.filter((item) => item === value || equal(item, value)).length,
    ),
  ],
]);

/** The methods of Python's list that change nothing. */
export const listMethods: ReadonlyMap<string, Operation<readonly Value[]>> = new Map([
  ...sequenceMethods,
  ['copy', takesPositional<readonly Value[]>([], {}, (items) => items)],
]);

/** Python's `sorted`: stable, also when reversed. */
export const sortValues = (
  values: readonly Value[],
  key: (value: Value) => Value,
  isReversed: boolean,
): readonly Value[] => {
  const direction = isReversed ? -1 : 1;
  return values
    .map((value) => ({ value, key: key(value) }))
    .sort((left, right) => direction * compare(left.key, right.key))
    .map(({ value }) => value);
};
