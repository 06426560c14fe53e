import type { Comparison, ComparisonOperator, Expression } from '../syntax/ast.ts';
import type { Hoisted } from './hoist.ts';
import type { ExpressionWriter, Scope } from './scope.ts';

const isStringLiteral = (expression: Expression): boolean =>
  expression.kind === 'literal' && expression.literal.type === 'string';

/** Writes comparisons: chained ones as Python evaluates them, those with a literal string or None as JavaScript's own. */
export class ComparisonCompiler {
  readonly #expressions: ExpressionWriter;
  readonly #hoisted: Hoisted;

  constructor(expressions: ExpressionWriter, hoisted: Hoisted) {
    this.#expressions = expressions;
    this.#hoisted = hoisted;
  }

  /** Code for `first op operand op operand …`, as a JavaScript boolean. */
  compare(first: Expression, rest: readonly Comparison[], scope: Scope): string {
    const [only, ...more] = rest;
    if (only !== undefined && more.length === 0) return this.#compareOnce(first, only, scope);
    const parts: string[] = [];
    let left = this.#expressions.value(first, scope);
    for (const [position, { operator, operand }] of rest.entries()) {
      const isLast = position === rest.length - 1;
      const kept = isLast ? null : scope.function.temporary();
      const code = this.#expressions.value(operand, scope);
      parts.push(this.#compareCode(operator, left, kept === null ? code : `(${kept} = ${code})`));
      left = kept ?? code;
    }
    return `(${parts.join(' && ')})`;
  }

  #compareOnce(first: Expression, { operator, operand }: Comparison, scope: Scope): string {
    const left = this.#expressions.value(first, scope);
    const isEquality = operator === '==' || operator === '!=';
    if (isEquality && (this.#isPlainlyComparable(first) || this.#isPlainlyComparable(operand))) {
      return `(${left} ${operator}= ${this.#expressions.value(operand, scope)})`;
    }
    const isMembership = operator === 'in' || operator === 'not in';
    if (
      isMembership &&
      !this.#expressions.hasMarkup &&
      (operand.kind === 'list' || operand.kind === 'tuple') &&
      operand.items.every(isStringLiteral)
    ) {
      const texts = this.#hoisted.define(
        `[${operand.items.map((item) => this.#expressions.value(item, scope)).join(', ')}]`,
      );
      return `${operator === 'in' ? '' : '!'}${texts}.includes(${left})`;
    }
    return this.#compareCode(operator, left, this.#expressions.value(operand, scope));
  }

  /** Whether `==` with this operand is JavaScript's `===`: plain strings and None equal nothing else. */
  #isPlainlyComparable(expression: Expression): boolean {
    if (expression.kind !== 'literal') return false;
    return expression.literal.type === 'none' || (expression.literal.type === 'string' && !this.#expressions.hasMarkup);
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
}
