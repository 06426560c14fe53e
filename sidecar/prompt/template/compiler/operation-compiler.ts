import { filters } from '../runtime/filters.ts';
import { bindParameters, type Operation } from '../runtime/operation.ts';
import { tests } from '../runtime/tests.ts';
import type { Arguments, Expression, FilterExpression } from '../syntax/ast.ts';
import { TemplateSyntaxError } from '../syntax/errors.ts';
import { type Hoisted, quoteScript } from './hoist.ts';
import { isKnownFilter, isKnownTest, requireComparableIdentity, requireSupportedNameArgument } from './known-names.ts';
import type { ExpressionWriter, Scope } from './scope.ts';

/** Tests without arguments as JavaScript. */
const inlineTests: Readonly<Record<string, (value: string) => string>> = {
  defined: (value) => `(${value} !== undefined)`,
  undefined: (value) => `(${value} === undefined)`,
  none: (value) => `(${value} === null)`,
  string: (value) => `(typeof ${value} === "string")`,
  boolean: (value) => `(typeof ${value} === "boolean")`,
  true: (value) => `(${value} === true)`,
  false: (value) => `(${value} === false)`,
  mapping: (value) => `isDict(${value})`,
};

/** Writes filters and tests. Their parameters are bound here, so that a render only calls a function. */
export class OperationCompiler {
  readonly #expressions: ExpressionWriter;
  readonly #hoisted: Hoisted;

  constructor(expressions: ExpressionWriter, hoisted: Hoisted) {
    this.#expressions = expressions;
    this.#hoisted = hoisted;
  }

  /** Code for `operand is name(args)`, as a JavaScript boolean. */
  test(test: Extract<Expression, { kind: 'test' }>, scope: Scope): string {
    const operation = isKnownTest(test.name) ? tests.get(test.name) : undefined;
    if (operation === undefined) return this.#unknown('test', test.name, scope);
    if (test.name === 'sameas') requireComparableIdentity(test.args.positional[0]);
    const value = this.#expressions.value(test.operand, scope);
    const inline = inlineTests[test.name];
    const { positional, keywords, spread, keywordSpread } = test.args;
    const isBare = positional.length === 0 && keywords.length === 0 && spread === null && keywordSpread === null;
    const isInline = isBare && !(this.#expressions.hasMarkup && test.name === 'string');
    if (inline !== undefined && isInline) return inline(value);
    const names = { whole: () => this.#hoisted.test(test.name), run: () => this.#hoisted.testFunction(test.name) };
    return this.#apply(operation, names, value, test.args, scope);
  }

  /** Code for `operand|name(args)`; a chain without operand takes the text in the variable `input`. */
  filter(filter: FilterExpression, input: string | null, scope: Scope): string {
    const operation = isKnownFilter(filter.name) ? filters.get(filter.name) : undefined;
    if (operation === undefined) return this.#unknown('filter', filter.name, scope);
    requireSupportedNameArgument(filter.name, filter.args.positional);
    const value = this.#filterOperand(filter.operand, input, scope);
    const names = {
      whole: () => this.#hoisted.filter(filter.name),
      run: () => this.#hoisted.filterFunction(filter.name),
    };
    return this.#apply(operation, names, value, filter.args, scope);
  }

  #filterOperand(operand: Expression | null, input: string | null, scope: Scope): string {
    if (operand === null) return input ?? '""';
    if (operand.kind === 'filter' && input !== null) {
      return this.filter(operand, input, scope);
    }
    return this.#expressions.value(operand, scope);
  }

  /** Applies a filter or test; parameters are bound here where the call has no `*` or `**`. */
  #apply(
    operation: Operation<never, unknown>,
    names: { readonly whole: () => string; readonly run: () => string },
    value: string,
    args: Arguments,
    scope: Scope,
  ): string {
    const isDynamic = args.spread !== null || args.keywordSpread !== null;
    if (operation.kind === 'variadic' || isDynamic) {
      return `invoke(${names.whole()}, ${value}, ${this.#expressions.arguments(args, scope)})`;
    }
    const keywordNames = args.keywords.map(({ name }) => name);
    const sources = bindParameters(operation, args.positional.length, keywordNames);
    if (sources === null) return 'fail("wrong arguments")';
    const values = sources.map((source) => {
      if (source.kind === 'default') return this.#hoisted.defaultValue(source.value);
      const found =
        source.kind === 'position'
          ? args.positional[source.position]
          : args.keywords.find(({ name }) => name === source.name)?.value;
      return found === undefined ? 'undefined' : this.#expressions.value(found, scope);
    });
    return `${names.run()}(${[value, ...values].join(', ')})`;
  }

  #unknown(kind: 'filter' | 'test', name: string, scope: Scope): string {
    if (!scope.isSoft) throw new TemplateSyntaxError(`no ${kind} named '${name}'`);
    return `fail(${quoteScript(`no ${kind} named '${name}'`)})`;
  }
}
