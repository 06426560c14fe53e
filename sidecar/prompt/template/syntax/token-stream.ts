import { TemplateSyntaxError } from './errors.ts';
import type { Token } from './lexer.ts';

const describe = (token: Token): string => {
  switch (token.kind) {
    case 'name':
    case 'operator':
      return `'${token.text}'`;
    case 'data':
      return 'text';
    case 'end':
      return 'the end of the template';
    default:
      return token.kind;
  }
};

/** Tokens with a reading position. Reading past the end gives the last token, of kind `end`, again and again. */
export class TokenStream {
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.#at(this.#position);
  }

  get next(): Token {
    return this.#at(this.#position + 1);
  }

  advance(count = 1): Token {
    const token = this.current;
    this.#position = Math.min(this.#position + count, this.#tokens.length - 1);
    return token;
  }

  isOperator(text: string): boolean {
    const token = this.current;
    return token.kind === 'operator' && token.text === text;
  }

  /** Whether the current token is one of these names. */
  isName(...names: readonly string[]): boolean {
    const token = this.current;
    return token.kind === 'name' && names.includes(token.text);
  }

  takeOperator(text: string): boolean {
    const matches = this.isOperator(text);
    if (matches) this.advance();
    return matches;
  }

  takeName(text: string): boolean {
    const matches = this.isName(text);
    if (matches) this.advance();
    return matches;
  }

  expectOperator(text: string): void {
    if (!this.takeOperator(text)) this.fail(`expected '${text}', got ${describe(this.current)}`);
  }

  expectKind(kind: Token['kind']): void {
    if (this.current.kind !== kind) this.fail(`expected ${kind}, got ${describe(this.current)}`);
    this.advance();
  }

  /** The text of a name token, which is taken. */
  expectName(): string {
    const token = this.current;
    if (token.kind !== 'name') return this.fail(`expected a name, got ${describe(token)}`);
    this.advance();
    return token.text;
  }

  fail(message: string): never {
    throw new TemplateSyntaxError(message, this.current.line);
  }

  failUnexpected(): never {
    return this.fail(`unexpected ${describe(this.current)}`);
  }

  #at(position: number): Token {
    return this.#tokens[Math.min(position, this.#tokens.length - 1)] ?? { kind: 'end', line: 1 };
  }
}
