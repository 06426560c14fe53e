import type { Arguments, BinaryOperator, Comparison, Expression, FilterExpression, Literal } from './ast.ts';
import type { TokenStream } from './token-stream.ts';

const noArguments: Arguments = { positional: [], keywords: [], spread: null, keywordSpread: null };

const comparisonOperators = ['==', '!=', '<', '<=', '>', '>='] as const;
const additiveOperators = ['+', '-'] as const;
const multiplicativeOperators = ['*', '/', '//', '%'] as const;

const wordLiterals: ReadonlyMap<string, Literal> = new Map<string, Literal>([
  ['true', { type: 'boolean', value: true }],
  ['True', { type: 'boolean', value: true }],
  ['false', { type: 'boolean', value: false }],
  ['False', { type: 'boolean', value: false }],
  ['none', { type: 'none' }],
  ['None', { type: 'none' }],
]);

/** Where a tuple without parentheses may end, and what its members may be. */
export interface TupleOptions {
  /** Only names, literals and parenthesized expressions as members: assignment targets. */
  readonly isSimplified?: boolean;
  /** Whether members may be `a if b else c`. Default true. */
  readonly withConditional?: boolean;
  readonly isParenthesized?: boolean;
}

/** Parses expressions; precedence as in jinja2: `if`, or, and, not, comparisons, `+ -`, `~`, `* / // %`, `**`, signs, postfix. */
export class ExpressionParser {
  readonly #stream: TokenStream;

  constructor(stream: TokenStream) {
    this.#stream = stream;
  }

  parseExpression(): Expression {
    let expression = this.#parseOr();
    while (this.#stream.takeName('if')) {
      const test = this.#parseOr();
      const whenFalse = this.#stream.takeName('else') ? this.parseExpression() : null;
      expression = { kind: 'conditional', test, whenTrue: expression, whenFalse };
    }
    return expression;
  }

  /** One expression, or a tuple where commas follow. */
  parseTuple(options: TupleOptions = {}): Expression {
    const items: Expression[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) this.#stream.expectOperator(',');
      if (this.#isTupleEnd()) break;
      items.push(this.#parseTupleMember(options));
      if (!this.#stream.isOperator(',')) break;
      isTuple = true;
    }
    const [only] = items;
    if (!isTuple && only !== undefined) return only;
    if (!isTuple && options.isParenthesized !== true) this.#stream.failUnexpected();
    return { kind: 'tuple', items };
  }

  /** Filters after an operand: `|trim|upper`. Without operand, the chain's head takes a block's text. */
  parseFilters(operand: Expression | null): FilterExpression | null {
    let filter: FilterExpression | null = null;
    while (this.#stream.takeOperator('|')) filter = this.parseFilter(filter ?? operand);
    return filter;
  }

  /** One filter, its name being the current token. */
  parseFilter(operand: Expression | null): FilterExpression {
    const name = this.#parseDottedName();
    const args = this.#stream.isOperator('(') ? this.#parseArguments() : noArguments;
    return { kind: 'filter', operand, name, args };
  }

  parsePrimary(): Expression {
    const token = this.#stream.current;
    switch (token.kind) {
      case 'name': {
        this.#stream.advance();
        const literal = wordLiterals.get(token.text);
        return literal === undefined ? { kind: 'name', name: token.text } : { kind: 'literal', literal };
      }
      case 'string':
        return { kind: 'literal', literal: { type: 'string', value: this.#takeAdjacentStrings() } };
      case 'integer':
        this.#stream.advance();
        return { kind: 'literal', literal: { type: 'integer', value: token.value } };
      case 'float':
        this.#stream.advance();
        return { kind: 'literal', literal: { type: 'float', value: token.value } };
      case 'operator':
        return this.#parseBracketed(token.text);
      default:
        return this.#stream.failUnexpected();
    }
  }

  #parseOr(): Expression {
    let left = this.#parseAnd();
    while (this.#stream.takeName('or')) left = { kind: 'logical', operator: 'or', left, right: this.#parseAnd() };
    return left;
  }

  #parseAnd(): Expression {
    let left = this.#parseNot();
    while (this.#stream.takeName('and')) left = { kind: 'logical', operator: 'and', left, right: this.#parseNot() };
    return left;
  }

  #parseNot(): Expression {
    if (this.#stream.takeName('not')) return { kind: 'not', operand: this.#parseNot() };
    return this.#parseComparison();
  }

  #parseComparison(): Expression {
    const first = this.#parseSum();
    const rest: Comparison[] = [];
    for (let operator = this.#takeComparison(); operator !== null; operator = this.#takeComparison()) {
      rest.push({ operator, operand: this.#parseSum() });
    }
    return rest.length === 0 ? first : { kind: 'compare', first, rest };
  }

  #takeComparison(): Comparison['operator'] | null {
    const operator = this.#takeOneOf(comparisonOperators);
    if (operator !== null) return operator;
    if (this.#stream.takeName('in')) return 'in';
    const { next } = this.#stream;
    if (!this.#stream.isName('not') || next.kind !== 'name' || next.text !== 'in') return null;
    this.#stream.advance(2);
    return 'not in';
  }

  #parseSum(): Expression {
    return this.#parseLeftAssociative(additiveOperators, () => this.#parseConcat());
  }

  #parseConcat(): Expression {
    const first = this.#parseProduct();
    const operands = [first];
    while (this.#stream.takeOperator('~')) operands.push(this.#parseProduct());
    return operands.length === 1 ? first : { kind: 'concat', operands };
  }

  #parseProduct(): Expression {
    return this.#parseLeftAssociative(multiplicativeOperators, () => this.#parsePower());
  }

  #parsePower(): Expression {
    return this.#parseLeftAssociative(['**'], () => this.#parseSigned(true));
  }

  #parseLeftAssociative(operators: readonly BinaryOperator[], parseOperand: () => Expression): Expression {
    let left = parseOperand();
    for (let operator = this.#takeOneOf(operators); operator !== null; operator = this.#takeOneOf(operators)) {
      left = { kind: 'binary', operator, left, right: parseOperand() };
    }
    return left;
  }

  /** A sign binds tighter than a filter: `-1|abs` is `(-1)|abs`. */
  #parseSigned(withFilters: boolean): Expression {
    const operator = this.#takeOneOf(additiveOperators);
    const operand: Expression =
      operator === null ? this.parsePrimary() : { kind: 'sign', operator, operand: this.#parseSigned(false) };
    const expression = this.#parsePostfix(operand);
    return withFilters ? this.#parseFiltersAndTests(expression) : expression;
  }

  #parsePostfix(operand: Expression): Expression {
    let expression = operand;
    for (;;) {
      if (this.#stream.isOperator('.')) expression = this.#parseAttribute(expression);
      else if (this.#stream.isOperator('[')) expression = this.#parseSubscript(expression);
      else if (this.#stream.isOperator('(')) expression = this.#parseCall(expression);
      else return expression;
    }
  }

  #parseFiltersAndTests(operand: Expression): Expression {
    let expression = operand;
    for (;;) {
      if (this.#stream.takeOperator('|')) expression = this.parseFilter(expression);
      else if (this.#stream.takeName('is')) expression = this.#parseTest(expression);
      else if (this.#stream.isOperator('(')) expression = this.#parseCall(expression);
      else return expression;
    }
  }

  #parseAttribute(object: Expression): Expression {
    this.#stream.expectOperator('.');
    const token = this.#stream.advance();
    if (token.kind === 'name') return { kind: 'attribute', object, name: token.text };
    if (token.kind !== 'integer') return this.#stream.fail('expected a name or number after a dot');
    const index: Expression = { kind: 'literal', literal: { type: 'integer', value: token.value } };
    return { kind: 'subscript', object, index };
  }

  #parseSubscript(object: Expression): Expression {
    this.#stream.expectOperator('[');
    const parts: Expression[] = [];
    while (!this.#stream.isOperator(']')) {
      if (parts.length > 0) this.#stream.expectOperator(',');
      const start = this.#stream.isOperator(':') ? null : this.parseExpression();
      if (start === null || this.#stream.isOperator(':')) {
        if (parts.length > 0) this.#stream.fail('a slice among several subscripts');
        return this.#parseSlice(object, start);
      }
      parts.push(start);
    }
    this.#stream.expectOperator(']');
    const [only] = parts;
    const index: Expression = parts.length === 1 && only !== undefined ? only : { kind: 'tuple', items: parts };
    return { kind: 'subscript', object, index };
  }

  #parseSlice(object: Expression, start: Expression | null): Expression {
    this.#stream.expectOperator(':');
    const stop = this.#parseSliceBound();
    const step = this.#stream.takeOperator(':') ? this.#parseSliceBound() : null;
    this.#stream.expectOperator(']');
    return { kind: 'slice', object, bounds: { start, stop, step } };
  }

  #parseSliceBound(): Expression | null {
    return this.#stream.isOperator(':') || this.#stream.isOperator(']') ? null : this.parseExpression();
  }

  #parseCall(callee: Expression): Expression {
    return { kind: 'call', callee, args: this.#parseArguments() };
  }

  #parseArguments(): Arguments {
    const positional: Expression[] = [];
    const keywords: { name: string; value: Expression }[] = [];
    let spread: Expression | null = null;
    let keywordSpread: Expression | null = null;
    this.#stream.expectOperator('(');
    for (let count = 0; !this.#stream.isOperator(')'); count += 1) {
      if (count > 0) this.#stream.expectOperator(',');
      if (this.#stream.isOperator(')')) break;
      if (keywordSpread !== null) this.#stream.fail('an argument after **');
      const { current, next } = this.#stream;
      if (this.#stream.takeOperator('*')) {
        if (spread !== null) this.#stream.fail('a second * argument');
        spread = this.parseExpression();
      } else if (this.#stream.takeOperator('**')) keywordSpread = this.parseExpression();
      else if (current.kind === 'name' && next.kind === 'operator' && next.text === '=') {
        if (keywords.some(({ name }) => name === current.text)) this.#stream.fail(`argument ${current.text} twice`);
        this.#stream.advance(2);
        keywords.push({ name: current.text, value: this.parseExpression() });
      } else {
        if (spread !== null || keywords.length > 0) this.#stream.fail('a positional argument after others');
        positional.push(this.parseExpression());
      }
    }
    this.#stream.expectOperator(')');
    return { positional, keywords, spread, keywordSpread };
  }

  #parseTest(operand: Expression): Expression {
    const isNegated = this.#stream.takeName('not');
    const name = this.#parseDottedName();
    const test: Expression = { kind: 'test', operand, name, args: this.#parseTestArguments() };
    return isNegated ? { kind: 'not', operand: test } : test;
  }

  /** `is divisibleby(3)` or `is divisibleby 3`: the bare form takes one operand without filters. */
  #parseTestArguments(): Arguments {
    if (this.#stream.isOperator('(')) return this.#parseArguments();
    const { kind } = this.#stream.current;
    const startsOperand =
      kind === 'string' ||
      kind === 'integer' ||
      kind === 'float' ||
      this.#stream.isOperator('[') ||
      this.#stream.isOperator('{');
    const isOperandName = kind === 'name' && !this.#stream.isName('else', 'or', 'and');
    if (!startsOperand && !isOperandName) return noArguments;
    if (this.#stream.isName('is')) this.#stream.fail('tests cannot be chained');
    return { ...noArguments, positional: [this.#parsePostfix(this.parsePrimary())] };
  }

  #parseDottedName(): string {
    let name = this.#stream.expectName();
    while (this.#stream.takeOperator('.')) name += `.${this.#stream.expectName()}`;
    return name;
  }

  #parseTupleMember(options: TupleOptions): Expression {
    if (options.isSimplified === true) return this.parsePrimary();
    return options.withConditional === false ? this.#parseOr() : this.parseExpression();
  }

  #isTupleEnd(): boolean {
    const { kind } = this.#stream.current;
    return kind === 'variable-end' || kind === 'block-end' || this.#stream.isOperator(')');
  }

  #takeAdjacentStrings(): string {
    let text = '';
    for (let token = this.#stream.current; token.kind === 'string'; token = this.#stream.current) {
      text += token.text;
      this.#stream.advance();
    }
    return text;
  }

  #parseBracketed(opener: string): Expression {
    if (opener === '(') {
      this.#stream.advance();
      const inside = this.parseTuple({ isParenthesized: true });
      this.#stream.expectOperator(')');
      return inside;
    }
    if (opener === '[') return { kind: 'list', items: this.#parseItems('[', ']', () => this.parseExpression()) };
    if (opener !== '{') return this.#stream.failUnexpected();
    const entries = this.#parseItems('{', '}', () => {
      const key = this.parseExpression();
      this.#stream.expectOperator(':');
      return { key, value: this.parseExpression() };
    });
    return { kind: 'dict', entries };
  }

  /** Items between brackets; a comma after the last is allowed. */
  #parseItems<Item>(opener: string, closer: string, parseItem: () => Item): readonly Item[] {
    const items: Item[] = [];
    this.#stream.expectOperator(opener);
    while (!this.#stream.isOperator(closer)) {
      if (items.length > 0) this.#stream.expectOperator(',');
      if (this.#stream.isOperator(closer)) break;
      items.push(parseItem());
    }
    this.#stream.expectOperator(closer);
    return items;
  }

  #takeOneOf<Operator extends string>(operators: readonly Operator[]): Operator | null {
    const operator = operators.find((candidate) => this.#stream.isOperator(candidate));
    if (operator === undefined) return null;
    this.#stream.advance();
    return operator;
  }
}
