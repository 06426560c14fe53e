import { filters } from '../runtime/filters.ts';
import { unsupportedGlobals } from '../runtime/globals.ts';
import { bindParameters, type Operation } from '../runtime/operation.ts';
import { isKnownFormat } from '../runtime/strftime.ts';
import { tests } from '../runtime/tests.ts';
import type {
  Arguments,
  BinaryOperator,
  Comparison,
  ComparisonOperator,
  Expression,
  FilterExpression,
} from '../syntax/ast.ts';
import { TemplateSyntaxError, UnsupportedFeatureError } from '../syntax/errors.ts';
import { type Hoisted, quoteScript } from './hoist.ts';
import {
  isDictMethod,
  isKnownFilter,
  isKnownTest,
  requireComparableIdentity,
  requireSupportedAttribute,
  requireSupportedNameArgument,
} from './known-names.ts';
import type { Scope } from './scope.ts';
import { type StaticType, staticTypeOf } from './static-type.ts';

const functionOf: Readonly<Record<BinaryOperator, string>> = {
  '+': 'add',
  '-': 'subtract',
  '*': 'multiply',
  '/': 'divide',
  '//': 'floorDivide',
  '%': 'modulo',
  '**': 'power',
};

/** Properties of a loop that generated code reads without a lookup by name. */
const loopProperties = new Set([
  'index',
  'index0',
  'first',
  'last',
  'length',
  'revindex',
  'revindex0',
  'previtem',
  'nextitem',
  'depth',
  'depth0',
]);

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

const isStringLiteral = (expression: Expression): boolean =>
  expression.kind === 'literal' && expression.literal.type === 'string';

/**
 * Writes expressions as JavaScript. Evaluation order is the template's. Strings of the template enter the source only as
 * quoted literals, names only as identifiers that {@link Symbols} makes.
 */
export class ExpressionCompiler {
  /** Whether strings may be marked as HTML-safe, in which case they are no plain JavaScript strings. */
  readonly hasMarkup: boolean;
  readonly #hoisted: Hoisted;

  constructor(hoisted: Hoisted, options: { readonly hasMarkup: boolean }) {
    this.#hoisted = hoisted;
    this.hasMarkup = options.hasMarkup;
  }

  /** Code for the value of an expression. */
  value(expression: Expression, scope: Scope): string {
    switch (expression.kind) {
      case 'literal':
        return this.#hoisted.literal(expression.literal);
      case 'name':
        return this.#name(expression.name, scope);
      case 'tuple':
        return this.#hoistedIfConstant(`new PyTuple([${this.#list(expression.items, scope)}])`, expression.items);
      case 'list':
        return this.#hoistedIfConstant(`[${this.#list(expression.items, scope)}]`, expression.items);
      case 'dict': {
        const entries = expression.entries.map(
          ({ key, value }) => `[${this.value(key, scope)}, ${this.value(value, scope)}]`,
        );
        return `createDict([${entries.join(', ')}])`;
      }
      case 'attribute':
        return this.#attribute(expression.object, expression.name, scope);
      case 'subscript':
        return this.#subscript(expression.object, expression.index, scope);
      case 'slice': {
        const { start, stop, step } = expression.bounds;
        const bounds = [start, stop, step].map((bound) => (bound === null ? 'null' : this.value(bound, scope)));
        return `slice(${this.value(expression.object, scope)}, ${bounds.join(', ')})`;
      }
      case 'call':
        return this.#call(expression.callee, expression.args, scope);
      case 'filter':
        return this.#filter(expression, null, scope);
      case 'test':
      case 'not':
      case 'compare':
        return this.condition(expression, scope);
      case 'sign':
        return this.#sign(expression.operator, expression.operand, scope);
      case 'binary':
        return `${functionOf[expression.operator]}(${this.#list([expression.left, expression.right], scope)})`;
      case 'logical':
        return this.#logical(expression.operator, expression.left, expression.right, scope);
      case 'concat':
        return `(${expression.operands.map((operand) => this.text(operand, scope)).join(' + ')})`;
      case 'conditional': {
        const soft = { ...scope, isSoft: true };
        const otherwise = expression.whenFalse === null ? 'undefined' : this.value(expression.whenFalse, soft);
        return `(${this.condition(expression.test, soft)} ? ${this.value(expression.whenTrue, soft)} : ${otherwise})`;
      }
    }
  }

  /** Code for the truth of an expression, as a JavaScript boolean. */
  condition(expression: Expression, scope: Scope): string {
    switch (expression.kind) {
      case 'not':
        return `!${this.condition(expression.operand, scope)}`;
      case 'test':
        return this.#test(expression, scope);
      case 'compare':
        return this.#compareChain(expression.first, expression.rest, scope);
      case 'logical': {
        const operator = expression.operator === 'and' ? '&&' : '||';
        return `(${this.condition(expression.left, scope)} ${operator} ${this.condition(expression.right, scope)})`;
      }
      default:
        return this.typeOf(expression) === 'boolean'
          ? this.value(expression, scope)
          : `truthy(${this.value(expression, scope)})`;
    }
  }

  /** Code for the printed text of an expression. */
  text(expression: Expression, scope: Scope): string {
    const code = this.value(expression, scope);
    return this.typeOf(expression) === 'text' ? code : `print(${code})`;
  }

  typeOf(expression: Expression): StaticType {
    return staticTypeOf(expression, this.hasMarkup);
  }

  /** Code for a filter chain whose head takes the text in the variable `input`. */
  filterChain(filter: FilterExpression, input: string, scope: Scope): string {
    return this.#filter(filter, input, scope);
  }

  /** Code for the arguments of a call: an array, and a Map of keywords. `caller`: code of a call block's macro. */
  arguments(args: Arguments, scope: Scope, caller: string | null = null): string {
    const { positional, keywords, spread, keywordSpread } = args;
    const listed = `[${this.#list(positional, scope)}]`;
    const values = spread === null ? listed : `mergeArguments(${listed}, ${this.value(spread, scope)})`;
    const entries = keywords.map(({ name, value }) => `[${quoteScript(name)}, ${this.value(value, scope)}]`);
    if (caller !== null) entries.push(`["caller", ${caller}]`);
    const named = entries.length === 0 ? 'noKeywords' : `new Map([${entries.join(', ')}])`;
    return `${values}, ${keywordSpread === null ? named : `mergeKeywords(${named}, ${this.value(keywordSpread, scope)})`}`;
  }

  #list(expressions: readonly Expression[], scope: Scope): string {
    return expressions.map((expression) => this.value(expression, scope)).join(', ');
  }

  /** Containers of literals are made once: no template can change them. */
  #hoistedIfConstant(code: string, items: readonly Expression[]): string {
    return items.every(({ kind }) => kind === 'literal') ? this.#hoisted.define(code) : code;
  }

  #name(name: string, scope: Scope): string {
    const variable = scope.symbols.find(name);
    if (variable === null) throw new UnsupportedFeatureError(`the variable '${name}' in this place`);
    if (unsupportedGlobals.has(name) && scope.symbols.isGlobal(name)) {
      throw new UnsupportedFeatureError(`the global '${name}'`);
    }
    return scope.unfilled.has(variable) ? `(${variable} === MISSING ? undefined : ${variable})` : variable;
  }

  #attribute(object: Expression, name: string, scope: Scope): string {
    requireSupportedAttribute(name);
    const code = this.value(object, scope);
    if (object.kind === 'name' && scope.loops.has(code) && loopProperties.has(name)) return `${code}.${name}`;
    return `${isDictMethod(name) ? 'attribute' : 'field'}(${code}, ${quoteScript(name)})`;
  }

  #subscript(object: Expression, index: Expression, scope: Scope): string {
    const code = this.value(object, scope);
    const key = index.kind === 'literal' && index.literal.type === 'string' ? index.literal.value : null;
    if (key !== null) requireSupportedAttribute(key);
    const reader = key !== null && !isDictMethod(key) ? 'keyed' : 'item';
    return `${reader}(${code}, ${this.value(index, scope)})`;
  }

  #call(callee: Expression, args: Arguments, scope: Scope): string {
    if (callee.kind === 'attribute') {
      requireSupportedAttribute(callee.name);
      const object = this.value(callee.object, scope);
      return `callMethod(${object}, ${quoteScript(callee.name)}, ${this.arguments(args, scope)})`;
    }
    this.checkCall(callee, args, scope);
    return `call(${this.value(callee, scope)}, ${this.arguments(args, scope)})`;
  }

  /** Finds date formats that would fail when they are reached. */
  checkCall(callee: Expression, args: Arguments, scope: Scope): void {
    const isClock = callee.kind === 'name' && callee.name === 'strftime_now' && scope.symbols.isGlobal(callee.name);
    const [format] = args.positional;
    if (!isClock || format?.kind !== 'literal' || format.literal.type !== 'string') return;
    if (!isKnownFormat(format.literal.value))
      throw new UnsupportedFeatureError(`the date format ${format.literal.value}`);
  }

  #sign(operator: '+' | '-', operand: Expression, scope: Scope): string {
    const literal = operand.kind === 'literal' ? operand.literal : null;
    const isSmallInteger = literal?.type === 'integer' && typeof literal.value === 'number' && literal.value !== 0;
    const code = this.value(operand, scope);
    return isSmallInteger && operator === '-' ? `-${code}` : `applySign(${quoteScript(operator)}, ${code})`;
  }

  #logical(operator: 'and' | 'or', left: Expression, right: Expression, scope: Scope): string {
    const leftCode = this.value(left, scope);
    if (this.typeOf(left) === 'boolean') {
      return `(${leftCode} ${operator === 'and' ? '&&' : '||'} ${this.value(right, scope)})`;
    }
    const kept = scope.function.temporary();
    const rightCode = this.value(right, scope);
    const [whenTrue, whenFalse] = operator === 'and' ? [rightCode, kept] : [kept, rightCode];
    return `(truthy(${kept} = ${leftCode}) ? ${whenTrue} : ${whenFalse})`;
  }

  #compareChain(first: Expression, rest: readonly Comparison[], scope: Scope): string {
    const [only, ...more] = rest;
    if (only !== undefined && more.length === 0) return this.#compare(first, only, scope);
    const parts: string[] = [];
    let left = this.value(first, scope);
    for (const [position, { operator, operand }] of rest.entries()) {
      const isLast = position === rest.length - 1;
      const kept = isLast ? null : scope.function.temporary();
      const code = this.value(operand, scope);
      parts.push(this.#compareCode(operator, left, kept === null ? code : `(${kept} = ${code})`));
      left = kept ?? code;
    }
    return `(${parts.join(' && ')})`;
  }

  #compare(first: Expression, { operator, operand }: Comparison, scope: Scope): string {
    const left = this.value(first, scope);
    const isEquality = operator === '==' || operator === '!=';
    if (isEquality && (this.#isPlainlyComparable(first) || this.#isPlainlyComparable(operand))) {
      return `(${left} ${operator}= ${this.value(operand, scope)})`;
    }
    const isMembership = operator === 'in' || operator === 'not in';
    if (
      isMembership &&
      !this.hasMarkup &&
      (operand.kind === 'list' || operand.kind === 'tuple') &&
      operand.items.every(isStringLiteral)
    ) {
      const texts = this.#hoisted.define(`[${this.#list(operand.items, scope)}]`);
      return `${operator === 'in' ? '' : '!'}${texts}.includes(${left})`;
    }
    return this.#compareCode(operator, left, this.value(operand, scope));
  }

  /** Whether `==` with this operand is JavaScript's `===`: plain strings and None equal nothing else. */
  #isPlainlyComparable(expression: Expression): boolean {
    if (expression.kind !== 'literal') return false;
    return expression.literal.type === 'none' || (expression.literal.type === 'string' && !this.hasMarkup);
  }

  #compareCode(operator: ComparisonOperator, left: string, right: string): string {
    switch (operator) {
      case '==':
        return `equal(${left}, ${right})`;
      case '!=':
        return `!equal(${left}, ${right})`;
      case 'in':
        return `isIn(${left}, ${right})`;
      case 'not in':
        return `!isIn(${left}, ${right})`;
      default:
        return `(compare(${left}, ${right}) ${operator} 0)`;
    }
  }

  #test(test: Extract<Expression, { kind: 'test' }>, scope: Scope): string {
    const operation = isKnownTest(test.name) ? tests.get(test.name) : undefined;
    if (operation === undefined) return this.#unknown('test', test.name, scope);
    if (test.name === 'sameas') requireComparableIdentity(test.args.positional[0]);
    const value = this.value(test.operand, scope);
    const inline = inlineTests[test.name];
    const { positional, keywords, spread, keywordSpread } = test.args;
    const isBare = positional.length === 0 && keywords.length === 0 && spread === null && keywordSpread === null;
    const isInline = isBare && !(this.hasMarkup && test.name === 'string');
    if (inline !== undefined && isInline) return inline(value);
    const names = { whole: () => this.#hoisted.test(test.name), run: () => this.#hoisted.testFunction(test.name) };
    return this.#apply(operation, names, value, test.args, scope);
  }

  #filter(filter: FilterExpression, input: string | null, scope: Scope): string {
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
      return this.#filter(operand, input, scope);
    }
    return this.value(operand, scope);
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
      return `invoke(${names.whole()}, ${value}, ${this.arguments(args, scope)})`;
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
      return found === undefined ? 'undefined' : this.value(found, scope);
    });
    return `${names.run()}(${[value, ...values].join(', ')})`;
  }

  #unknown(kind: 'filter' | 'test', name: string, scope: Scope): string {
    if (!scope.isSoft) throw new TemplateSyntaxError(`no ${kind} named '${name}'`);
    return `fail(${quoteScript(`no ${kind} named '${name}'`)})`;
  }
}
