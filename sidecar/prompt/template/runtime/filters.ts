import { truthy } from './compare.ts';
import { pathReader } from './filter-paths.ts';
import { numberFilters } from './filters-number.ts';
import { sequenceFilters } from './filters-sequence.ts';
import { textFilters } from './filters-text.ts';
import { invoke, type Operation, variadic } from './operation.ts';
import { iterate } from './sequences.ts';
import { tests } from './tests.ts';
import { fail, type Keywords, PyIterator, textOf, type Value } from './values.ts';

/** A filter, `value|name(args)`. */
export type Filter = Operation<Value>;

const mapper = (args: readonly Value[], keywords: Keywords): ((value: Value) => Value) => {
  const attribute = keywords.get('attribute');
  if (args.length === 0 && attribute !== undefined) {
    for (const name of keywords.keys())
      if (name !== 'attribute' && name !== 'default') return fail('map: wrong arguments');
    return pathReader(attribute, keywords.get('default') ?? null);
  }
  const [name, ...rest] = args;
  const filter = filters.get(textOf(name) ?? '');
  if (filter === undefined) return fail('map needs the name of a filter');
  return (value) => invoke(filter, value, rest, keywords);
};

const tester = (args: readonly Value[], keywords: Keywords): ((value: Value) => boolean) => {
  if (args.length === 0) return truthy;
  const [name, ...rest] = args;
  const test = tests.get(textOf(name) ?? '');
  if (test === undefined) return fail('a filter needs the name of a test');
  return (value) => invoke(test, value, rest, keywords);
};

const attributeTester = (args: readonly Value[], keywords: Keywords): ((value: Value) => boolean) => {
  const [attribute, ...rest] = args;
  if (args.length === 0) return fail('no attribute given');
  const read = pathReader(attribute);
  const test = tester(rest, keywords);
  return (value) => test(read(value));
};

/** What a lazy filter does with each value, made from its arguments when the first value is read. */
type MakeStep<Result> = (args: readonly Value[], keywords: Keywords) => (value: Value) => Result;

function* mapLazily(value: Value, makeStep: () => (value: Value) => Value): Generator<Value> {
  if (!truthy(value)) return;
  const step = makeStep();
  for (const one of iterate(value)) yield step(one);
}

function* chooseLazily(value: Value, makeStep: () => (value: Value) => boolean, wanted: boolean): Generator<Value> {
  if (!truthy(value)) return;
  const step = makeStep();
  for (const one of iterate(value)) if (step(one) === wanted) yield one;
}

const choosing = (makeStep: MakeStep<boolean>, wanted: boolean): Filter =>
  variadic(
    (value: Value, args, keywords) => new PyIterator(chooseLazily(value, () => makeStep(args, keywords), wanted)),
  );

/** All filters by name: jinja2's, less those of {@link unsupportedFilters}. */
export const filters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...textFilters,
  ...numberFilters,
  ...sequenceFilters,
  ['map', variadic((value: Value, args, keywords) => new PyIterator(mapLazily(value, () => mapper(args, keywords))))],
  ['select', choosing(tester, true)],
  ['reject', choosing(tester, false)],
  ['selectattr', choosing(attributeTester, true)],
  ['rejectattr', choosing(attributeTester, false)],
]);

/** Filters that jinja2 has and this implementation does not. */
export const unsupportedFilters: ReadonlySet<string> = new Set([
  'filesizeformat',
  'pprint',
  'random',
  'striptags',
  'urlize',
  'wordwrap',
  'xmlattr',
]);
