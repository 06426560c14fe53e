import type { CallBlockStatement, Expression, ForStatement, IfBranch, Parameter, Statement, Target } from './ast.ts';
import { UnsupportedFeatureError } from './errors.ts';
import { ExpressionParser } from './expression-parser.ts';
import { tokenize } from './lexer.ts';
import { TokenStream } from './token-stream.ts';

/** Tags of jinja2 that need other templates or escaping, which no chat template has. */
const unsupportedTags = new Set(['autoescape', 'block', 'extends', 'from', 'import', 'include']);

const reservedNames = new Set(['true', 'false', 'none', 'True', 'False', 'None']);

class Parser {
  readonly #stream: TokenStream;
  readonly #expressions: ExpressionParser;

  constructor(source: string) {
    this.#stream = new TokenStream(tokenize(source));
    this.#expressions = new ExpressionParser(this.#stream);
  }

  parse(): readonly Statement[] {
    const statements = this.#parseUntil([]);
    if (this.#stream.current.kind !== 'end') this.#stream.failUnexpected();
    return statements;
  }

  /** Statements up to a tag with one of these names, which is left as the current token. */
  #parseUntil(endNames: readonly string[]): readonly Statement[] {
    const statements: Statement[] = [];
    for (;;) {
      const token = this.#stream.current;
      switch (token.kind) {
        case 'data':
          this.#stream.advance();
          statements.push({ kind: 'text', text: token.text });
          break;
        case 'variable-begin':
          this.#stream.advance();
          statements.push({ kind: 'print', value: this.#expressions.parseTuple() });
          this.#stream.expectKind('variable-end');
          break;
        case 'block-begin':
          this.#stream.advance();
          if (this.#stream.isName(...endNames)) return statements;
          statements.push(...this.#parseStatement());
          this.#stream.expectKind('block-end');
          break;
        case 'end':
          if (endNames.length > 0) this.#stream.fail(`expected ${endNames.join(' or ')}`);
          return statements;
        default:
          return this.#stream.failUnexpected();
      }
    }
  }

  /** A tag's body. The end tag's name is taken and given back with it. */
  #parseBody(...endNames: readonly string[]): { readonly body: readonly Statement[]; readonly end: string } {
    this.#stream.takeOperator(':');
    this.#stream.expectKind('block-end');
    const body = this.#parseUntil(endNames);
    return { body, end: this.#stream.expectName() };
  }

  #parseStatement(): readonly Statement[] {
    const tag = this.#stream.expectName();
    switch (tag) {
      case 'for':
        return [this.#parseFor()];
      case 'if':
        return [this.#parseIf()];
      case 'set':
        return [this.#parseSet()];
      case 'macro':
        return [this.#parseMacro()];
      case 'call':
        return [this.#parseCallBlock()];
      case 'filter': {
        const head = this.#expressions.parseFilter(null);
        const filter = this.#expressions.parseFilters(head) ?? head;
        return [{ kind: 'filter-block', filter, body: this.#parseBody('endfilter').body }];
      }
      case 'with':
        return [this.#parseWith()];
      case 'print':
        return this.#parsePrint();
      case 'generation':
        return [{ kind: 'generation', body: this.#parseBody('endgeneration').body }];
      case 'break':
      case 'continue':
        return [{ kind: tag }];
      default:
        if (unsupportedTags.has(tag)) throw new UnsupportedFeatureError(`the tag '${tag}'`);
        return this.#stream.fail(`unknown tag '${tag}'`);
    }
  }

  #parseFor(): ForStatement {
    const target = this.#parseTarget();
    if (!this.#stream.takeName('in')) this.#stream.failUnexpected();
    const iterable = this.#expressions.parseTuple({ withConditional: false });
    const test = this.#stream.takeName('if') ? this.#expressions.parseExpression() : null;
    const isRecursive = this.#stream.takeName('recursive');
    const { body, end } = this.#parseBody('endfor', 'else');
    const otherwise = end === 'else' ? this.#parseBody('endfor').body : [];
    return { kind: 'for', target, iterable, test, isRecursive, body, otherwise };
  }

  #parseIf(): Statement {
    const branches: IfBranch[] = [];
    for (;;) {
      const test = this.#expressions.parseTuple({ withConditional: false });
      const { body, end } = this.#parseBody('elif', 'else', 'endif');
      branches.push({ test, body });
      if (end === 'elif') continue;
      return { kind: 'if', branches, otherwise: end === 'else' ? this.#parseBody('endif').body : [] };
    }
  }

  #parseSet(): Statement {
    const target = this.#parseTarget({ withNamespace: true });
    if (this.#stream.takeOperator('=')) return { kind: 'set', target, value: this.#expressions.parseTuple() };
    const filter = this.#expressions.parseFilters(null);
    return { kind: 'set-block', target, filter, body: this.#parseBody('endset').body };
  }

  #parseMacro(): Statement {
    const name = this.#stream.expectName();
    if (reservedNames.has(name)) this.#stream.fail(`cannot assign to '${name}'`);
    const parameters = this.#parseParameters();
    return { kind: 'macro', name, parameters, body: this.#parseBody('endmacro').body };
  }

  #parseCallBlock(): CallBlockStatement {
    const parameters = this.#stream.isOperator('(') ? this.#parseParameters() : [];
    const call = this.#expressions.parseExpression();
    if (call.kind !== 'call') return this.#stream.fail('expected a call');
    return { kind: 'call-block', parameters, call, body: this.#parseBody('endcall').body };
  }

  #parseWith(): Statement {
    const bindings: { target: Target; value: Expression }[] = [];
    while (this.#stream.current.kind !== 'block-end') {
      if (bindings.length > 0) this.#stream.expectOperator(',');
      const target = this.#parseTarget();
      this.#stream.expectOperator('=');
      bindings.push({ target, value: this.#expressions.parseExpression() });
    }
    return { kind: 'with', bindings, body: this.#parseBody('endwith').body };
  }

  #parsePrint(): readonly Statement[] {
    const statements: Statement[] = [];
    while (this.#stream.current.kind !== 'block-end') {
      if (statements.length > 0) this.#stream.expectOperator(',');
      statements.push({ kind: 'print', value: this.#expressions.parseExpression() });
    }
    return statements;
  }

  #parseParameters(): readonly Parameter[] {
    const parameters: Parameter[] = [];
    this.#stream.expectOperator('(');
    while (!this.#stream.isOperator(')')) {
      if (parameters.length > 0) this.#stream.expectOperator(',');
      const name = this.#stream.expectName();
      if (reservedNames.has(name)) this.#stream.fail(`cannot assign to '${name}'`);
      if (parameters.some((parameter) => parameter.name === name)) this.#stream.fail(`parameter ${name} twice`);
      const defaultValue = this.#stream.takeOperator('=') ? this.#expressions.parseExpression() : null;
      if (defaultValue === null && parameters.at(-1)?.defaultValue) {
        this.#stream.fail('a parameter without default after one with');
      }
      parameters.push({ name, defaultValue });
    }
    this.#stream.expectOperator(')');
    return parameters;
  }

  #parseTarget(options: { readonly withNamespace: boolean } = { withNamespace: false }): Target {
    const items: Target[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) this.#stream.expectOperator(',');
      if (this.#stream.current.kind === 'block-end') break;
      items.push(this.#parseTargetItem(options.withNamespace));
      if (!this.#stream.isOperator(',')) break;
      isTuple = true;
    }
    const [only] = items;
    if (only === undefined) return this.#stream.failUnexpected();
    return isTuple ? { kind: 'tuple', items } : only;
  }

  #parseTargetItem(withNamespace: boolean): Target {
    const target = this.#expressions.parsePrimary();
    if (withNamespace && target.kind === 'name' && this.#stream.takeOperator('.')) {
      return { kind: 'namespace', name: target.name, attribute: this.#stream.expectName() };
    }
    return this.#toTarget(target);
  }

  #toTarget(expression: Expression): Target {
    if (expression.kind === 'name') return expression;
    if (expression.kind === 'tuple') {
      return { kind: 'tuple', items: expression.items.map((item) => this.#toTarget(item)) };
    }
    return this.#stream.fail(`cannot assign to a ${expression.kind}`);
  }
}

/**
 * The statements of a template. Throws TemplateSyntaxError where jinja2 refuses the template and UnsupportedFeatureError for
 * tags that this implementation leaves out (template inheritance, imports, autoescape).
 */
export const parseTemplate = (source: string): readonly Statement[] => new Parser(source).parse();
