import { fail, type Keywords, type Value } from './values.ts';

/**
 * Something callable on a value: a method, filter or test. `fixed` ones have named parameters, bound before `run` gets
 * them all in order; `variadic` ones see the arguments as they came.
 */
export type Operation<Self, Result = Value> =
  | {
      readonly kind: 'fixed';
      readonly required: readonly string[];
      /** Optional parameters after the required ones, with their defaults, in order. */
      readonly optional: readonly (readonly [string, Value])[];
      /** Whether Python takes the parameters by position only. */
      readonly isPositionalOnly: boolean;
      readonly run: (self: Self, ...args: readonly Value[]) => Result;
    }
  | {
      readonly kind: 'variadic';
      readonly run: (self: Self, args: readonly Value[], keywords: Keywords) => Result;
    };

/** An operation whose parameters can be given by position or by name. */
export const takes = <Self, Result = Value>(
  required: readonly string[],
  optional: Readonly<Record<string, Value>>,
  run: (self: Self, ...args: readonly Value[]) => Result,
): Operation<Self, Result> => ({
  kind: 'fixed',
  required,
  optional: Object.entries(optional),
  isPositionalOnly: false,
  run,
});

/** An operation whose parameters are given by position: most methods of Python's builtin types. */
export const takesPositional = <Self, Result = Value>(
  required: readonly string[],
  optional: Readonly<Record<string, Value>>,
  run: (self: Self, ...args: readonly Value[]) => Result,
): Operation<Self, Result> => ({
  kind: 'fixed',
  required,
  optional: Object.entries(optional),
  isPositionalOnly: true,
  run,
});

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
  const { required, optional, isPositionalOnly } = operation;
  const names = [...required, ...optional.map(([name]) => name)];
  if (positionalCount > names.length) return null;
  if (isPositionalOnly && keywordNames.length > 0) return null;
  if (keywordNames.some((keyword) => names.indexOf(keyword) < positionalCount)) return null;
  const sources: ParameterSource[] = [];
  for (const [position, name] of names.entries()) {
    const fallback = optional[position - required.length];
    if (position < positionalCount) sources.push({ kind: 'position', position });
    else if (keywordNames.includes(name)) sources.push({ kind: 'keyword', name });
    else if (fallback !== undefined) sources.push({ kind: 'default', value: fallback[1] });
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
  const isComplete = keywords.size === 0 && args.length === operation.required.length + operation.optional.length;
  if (isComplete) return operation.run(self, ...args);
  const sources = bindParameters(operation, args.length, [...keywords.keys()]);
  if (sources === null) return fail('wrong arguments');
  const values = sources.map((source) => {
    if (source.kind === 'position') return args[source.position];
    return source.kind === 'keyword' ? keywords.get(source.name) : source.value;
  });
  return operation.run(self, ...values);
};
