import { fail, type Keywords, type Value } from './values.ts';

/**
 * Something callable on a value: a method, filter or test. `fixed` ones have named parameters, bound before `run` gets
 * them all in order; `variadic` ones see the arguments as they came.
 */
export type Operation<Self, Result = Value> =
  | {
      readonly kind: 'fixed';
      readonly required: readonly string[];
      /** Names of the optional parameters after the required ones, in order, and their defaults. */
      readonly optional: readonly string[];
      readonly defaults: readonly Value[];
      /** Whether Python takes the parameters by position only. */
      readonly isPositionalOnly: boolean;
      readonly run: (self: Self, ...args: readonly Value[]) => Result;
    }
  | {
      readonly kind: 'variadic';
      readonly run: (self: Self, args: readonly Value[], keywords: Keywords) => Result;
    };

const fixed = <Self, Result>(
  required: readonly string[],
  optional: Readonly<Record<string, Value>>,
  rest: { readonly isPositionalOnly: boolean; readonly run: (self: Self, ...args: readonly Value[]) => Result },
): Operation<Self, Result> => ({
  kind: 'fixed',
  required,
  optional: Object.keys(optional),
  defaults: Object.values(optional),
  ...rest,
});

/** An operation whose parameters can be given by position or by name. */
export const takes = <Self, Result = Value>(
  required: readonly string[],
  optional: Readonly<Record<string, Value>>,
  run: (self: Self, ...args: readonly Value[]) => Result,
): Operation<Self, Result> => fixed(required, optional, { isPositionalOnly: false, run });

/** An operation whose parameters are given by position: most methods of Python's builtin types. */
export const takesPositional = <Self, Result = Value>(
  required: readonly string[],
  optional: Readonly<Record<string, Value>>,
  run: (self: Self, ...args: readonly Value[]) => Result,
): Operation<Self, Result> => fixed(required, optional, { isPositionalOnly: true, run });

/** An operation that reads its arguments itself. */
export const variadic = <Self, Result = Value>(
  run: (self: Self, args: readonly Value[], keywords: Keywords) => Result,
): Operation<Self, Result> => ({ kind: 'variadic', run });

/**
 * Which argument fills each parameter of a fixed operation: a position, a keyword, or the default. Null where Python
 * raises a TypeError.
 */
export const bindParameters = (
  operation: Extract<Operation<never, unknown>, { kind: 'fixed' }>,
  positionalCount: number,
  keywordNames: readonly string[],
): readonly ParameterSource[] | null => {
  const { required, optional, defaults, isPositionalOnly } = operation;
  const names = [...required, ...optional];
  if (positionalCount > names.length) return null;
  if (isPositionalOnly && keywordNames.length > 0) return null;
  if (keywordNames.some((keyword) => names.indexOf(keyword) < positionalCount)) return null;
  const sources: ParameterSource[] = [];
  for (const [position, name] of names.entries()) {
    if (position < positionalCount) sources.push({ kind: 'position', position });
    else if (keywordNames.includes(name)) sources.push({ kind: 'keyword', name });
    else if (position >= required.length)
      sources.push({ kind: 'default', value: defaults[position - required.length] });
    else return null;
  }
  return sources;
};

export type ParameterSource =
  | { readonly kind: 'position'; readonly position: number }
  | { readonly kind: 'keyword'; readonly name: string }
  | { readonly kind: 'default'; readonly value: Value };

/** Applies an operation to a value. */
export const invoke = <Self, Result>(
  operation: Operation<Self, Result>,
  self: Self,
  args: readonly Value[],
  keywords: Keywords,
): Result => {
  if (operation.kind === 'variadic') return operation.run(self, args, keywords);
  const given = args.length - operation.required.length;
  if (keywords.size === 0 && given >= 0 && given <= operation.defaults.length) {
    if (given === operation.defaults.length) return operation.run(self, ...args);
    return operation.run(self, ...args, ...operation.defaults.slice(given));
  }
  const sources = bindParameters(operation, args.length, [...keywords.keys()]);
  if (sources === null) return fail('wrong arguments');
  const values = sources.map((source) => {
    if (source.kind === 'position') return args[source.position];
    return source.kind === 'keyword' ? keywords.get(source.name) : source.value;
  });
  return operation.run(self, ...values);
};
