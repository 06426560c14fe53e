import { dictMethods, hiddenDictMethods } from '../runtime/container-methods.ts';
import { filters, unsupportedFilters } from '../runtime/filters.ts';
import { tests } from '../runtime/tests.ts';
import type { BinaryOperator, Expression, Statement } from '../syntax/ast.ts';
import { UnsupportedFeatureError } from '../syntax/errors.ts';
import { walkStatements } from '../syntax/walk.ts';

/** Methods of Python's str, int and float that this implementation leaves out. */
const unsupportedAttributes = new Set([
  'as_integer_ratio',
  'bit_count',
  'bit_length',
  'casefold',
  'conjugate',
  'encode',
  'from_bytes',
  'fromhex',
  'is_integer',
  'isidentifier',
  'isnumeric',
  'isprintable',
  'maketrans',
  'to_bytes',
  'translate',
]);

const unsupportedTests = new Set(['filter', 'test']);

/** Filters whose result is marked as safe HTML, which changes how Python joins it with other strings. */
const markingFilters = new Set(['e', 'escape', 'forceescape', 'safe']);

/** Whether a name is also a method of dict, so that it is not simply a key. */
export const isDictMethod = (name: string): boolean => dictMethods.has(name) || hiddenDictMethods.has(name);

export const requireSupportedAttribute = (name: string): void => {
  if (unsupportedAttributes.has(name)) throw new UnsupportedFeatureError(`the method '${name}'`);
};

/** Whether jinja2 knows a filter. Throws for those that only jinja2 knows. */
export const isKnownFilter = (name: string): boolean => {
  if (unsupportedFilters.has(name)) throw new UnsupportedFeatureError(`the filter '${name}'`);
  return filters.has(name);
};

/** Whether jinja2 knows a test. Throws for those that only jinja2 knows. */
export const isKnownTest = (name: string): boolean => {
  if (unsupportedTests.has(name)) throw new UnsupportedFeatureError(`the test '${name}'`);
  return tests.has(name);
};

const literalText = (expression: Expression | undefined): string | null =>
  expression?.kind === 'literal' && expression.literal.type === 'string' ? expression.literal.value : null;

/** `x is sameas y` is Python's identity, which values here have only for None, True and False. */
export const requireComparableIdentity = (other: Expression | undefined): void => {
  const type = other?.kind === 'literal' ? other.literal.type : null;
  if (type !== 'none' && type !== 'boolean') throw new UnsupportedFeatureError('sameas with other than a constant');
};

/** `d.keys() - other` makes a set, a type that nothing else in a template can make. */
export const requireNoSet = (operator: BinaryOperator, left: Expression): void => {
  if (operator !== '-' || left.kind !== 'call' || left.callee.kind !== 'attribute') return;
  if (left.callee.name === 'keys' || left.callee.name === 'items') throw new UnsupportedFeatureError('a set');
};

/** Position of the argument that names a filter or test, of the filters that take such a name. */
const nameArgumentOf: ReadonlyMap<string, { readonly position: number; readonly names: 'filter' | 'test' }> = new Map([
  ['map', { position: 0, names: 'filter' }],
  ['select', { position: 0, names: 'test' }],
  ['reject', { position: 0, names: 'test' }],
  ['selectattr', { position: 1, names: 'test' }],
  ['rejectattr', { position: 1, names: 'test' }],
]);

/** Whether some filter of a template marks strings as safe HTML. */
export const usesMarkup = (statements: readonly Statement[]): boolean => {
  let isUsed = false;
  walkStatements(statements, {
    expression(expression) {
      if (expression.kind !== 'filter') return;
      const mapped = expression.name === 'map' ? literalText(expression.args.positional[0]) : null;
      isUsed ||= markingFilters.has(mapped ?? expression.name);
    },
  });
  return isUsed;
};

/** Checks the filter or test that `map`, `select` and the like are given by name. */
export const requireSupportedNameArgument = (filter: string, positional: readonly Expression[]): void => {
  const wanted = nameArgumentOf.get(filter);
  const argument = wanted === undefined ? undefined : positional[wanted.position];
  if (wanted === undefined || argument === undefined) return;
  const name = literalText(argument);
  if (name === null) throw new UnsupportedFeatureError(`${filter} with a computed name`);
  if (wanted.names === 'test') {
    isKnownTest(name);
    if (name === 'sameas') requireComparableIdentity(positional[wanted.position + 1]);
  } else isKnownFilter(name);
};
