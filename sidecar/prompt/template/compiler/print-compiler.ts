import type { Expression } from '../syntax/ast.ts';
import type { ExpressionCompiler } from './expression-compiler.ts';
import type { Scope } from './scope.ts';
import type { SourceWriter } from './source-writer.ts';
import { isStringType } from './static-type.ts';

/**
 * Writes `{{ expression }}`, in as many pieces as the expression is joined from: long strings are then never copied, and a
 * piece that comes from one message is the same string at every turn of a conversation.
 */
export class PrintCompiler {
  readonly #expressions: ExpressionCompiler;
  readonly #writer: SourceWriter;

  constructor(expressions: ExpressionCompiler, writer: SourceWriter) {
    this.#expressions = expressions;
    this.#writer = writer;
  }

  print(expression: Expression, scope: Scope): void {
    switch (expression.kind) {
      case 'literal':
        if (expression.literal.type !== 'string') break;
        this.#expressions.value(expression, scope);
        this.#writer.text(scope.out, expression.literal.value);
        return;
      case 'concat':
        for (const operand of expression.operands) this.print(operand, scope);
        return;
      case 'binary':
        if (!isStringType(this.#expressions.typeOf(expression))) break;
        this.#printSum(this.#operandsOfSum(expression), scope);
        return;
      case 'conditional':
        this.#printConditional(expression, { ...scope, isSoft: true });
        return;
      case 'call': {
        const { callee, args } = expression;
        if (callee.kind !== 'name') break;
        this.#expressions.checkCall(callee, args, scope);
        const code = `${this.#expressions.value(callee, scope)}, ${this.#expressions.arguments(args, scope)}`;
        this.#writer.line(`writeCall(${scope.out}, ${code});`);
        return;
      }
    }
    this.#writer.line(`${scope.out}.push(${this.#expressions.text(expression, scope)});`);
  }

  #printConditional(expression: Extract<Expression, { kind: 'conditional' }>, scope: Scope): void {
    this.#writer.line(`if (${this.#expressions.condition(expression.test, scope)}) {`);
    this.print(expression.whenTrue, scope);
    if (expression.whenFalse !== null) {
      this.#writer.line('} else {');
      this.print(expression.whenFalse, scope);
    }
    this.#writer.line('}');
  }

  #operandsOfSum(expression: Expression): readonly Expression[] {
    return expression.kind === 'binary' && isStringType(this.#expressions.typeOf(expression))
      ? [...this.#operandsOfSum(expression.left), ...this.#operandsOfSum(expression.right)]
      : [expression];
  }

  /** A sum with a string in it is a sum of strings, or fails; a marked string in it escapes the others. */
  #printSum(operands: readonly Expression[], scope: Scope): void {
    if (this.#expressions.hasMarkup) {
      const values = operands.map((operand) => this.#expressions.value(operand, scope));
      this.#writer.line(`writeSum(${scope.out}, [${values.join(', ')}]);`);
      return;
    }
    for (const operand of operands) {
      if (this.#expressions.typeOf(operand) === 'text') this.print(operand, scope);
      else this.#writer.line(`${scope.out}.push(requireText(${this.#expressions.value(operand, scope)}));`);
    }
  }
}
