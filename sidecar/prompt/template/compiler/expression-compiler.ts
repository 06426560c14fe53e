import { unsupportedGlobals } from '../runtime/globals.ts';
import { isKnownFormat } from '../runtime/strftime.ts';
import type { Arguments, BinaryOperator, Expression, FilterExpression } from '../syntax/ast.ts';
import { UnsupportedFeatureError } from '../syntax/errors.ts';
import { ComparisonCompiler } from './comparison-compiler.ts';
import { type Hoisted, quoteScript } from './hoist.ts';
import { isDictMethod, requireNoSet, requireSupportedAttribute } from './known-names.ts';
import { OperationCompiler } from './operation-compiler.ts';
import type { ExpressionWriter, Scope } from './scope.ts';
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

/**
 * Writes expressions as JavaScript. Evaluation order is the template's. Strings of the template enter the source only as
 * quoted literals, names only as identifiers that {@link Symbols} makes.
 */
export class ExpressionCompiler implements ExpressionWriter {
  /** Whether strings may be marked as HTML-safe, in which case they are no plain JavaScript strings. */
  readonly hasMarkup: boolean;
  readonly #hoisted: Hoisted;
  readonly #comparisons: ComparisonCompiler;
  readonly #operations: OperationCompiler;

  constructor(hoisted: Hoisted, options: { readonly hasMarkup: boolean }) {
    this.#hoisted = hoisted;
    this.hasMarkup = options.hasMarkup;
    this.#comparisons = new ComparisonCompiler(this, hoisted);
    this.#operations = new OperationCompiler(this, hoisted);
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
        return this.#operations.filter(expression, null, scope);
      case 'test':
      case 'not':
      case 'compare':
        return this.condition(expression, scope);
      case 'sign':
        return this.#sign(expression.operator, expression.operand, scope);
      case 'binary':
        requireNoSet(expression.operator, expression.left);
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
        return this.#operations.test(expression, scope);
      case 'compare':
        return this.#comparisons.compare(expression.first, expression.rest, scope);
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
    return this.#operations.filter(filter, input, scope);
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
}
