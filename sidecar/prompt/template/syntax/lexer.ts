import { TemplateSyntaxError } from './errors.ts';
import { decodeStringLiteral } from './string-literal.ts';

/** One token. `block-begin` and the like stand for the delimiters; `data` is text between tags. */
export type Token =
  | { readonly kind: 'data' | 'name' | 'string' | 'operator'; readonly text: string; readonly line: number }
  | { readonly kind: 'integer'; readonly value: number | bigint; readonly line: number }
  | { readonly kind: 'float'; readonly value: number; readonly line: number }
  | {
      readonly kind: 'block-begin' | 'block-end' | 'variable-begin' | 'variable-end' | 'end';
      readonly line: number;
    };

/** Python's `str.isspace` as the inside of a character class; differs from JavaScript's `\s`. */
const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const spaces = new RegExp(`[${SPACE}]+`, 'y');
const onlySpaces = new RegExp(`^[${SPACE}]+$`);
const trailingSpaces = new RegExp(`[${SPACE}]+$`);
const rawBegin = new RegExp(`\\{%([-+]?)[${SPACE}]*raw[${SPACE}]*(?:-%\\}[${SPACE}]*|%\\})`, 'y');
const rawEnd = new RegExp(`\\{%([-+]?)[${SPACE}]*endraw[${SPACE}]*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`, 'g');
const commentEnd = new RegExp(`\\+#\\}|-#\\}[${SPACE}]*|#\\}\\n?`, 'g');
const blockEnd = new RegExp(`\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?`, 'y');
const variableEnd = new RegExp(`-\\}\\}[${SPACE}]*|\\}\\}`, 'y');
const tagBegin = /\{[{%#]/g;
const float = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const integer = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const name = /[\p{ID_Continue}]+/uy;
const wholeName = /^[\p{ID_Start}_]\p{ID_Continue}*$/u;
const string = /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const operator = /\/\/|\*\*|[=!<>]=|[-+*/%~()[\]{}<>=.:|,;]/y;

const closerOf: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

const countLines = (text: string): number => {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
};

const toInteger = (text: string): number | bigint => {
  const exact = BigInt(text.replaceAll('_', '').toLowerCase());
  const near = Number(exact);
  return Number.isSafeInteger(near) ? near : exact;
};

/** Splits a template with transformers' settings: trim_blocks, lstrip_blocks, one trailing newline dropped. */
class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #position = 0;
  #line = 1;

  constructor(source: string) {
    const lines = source.replace(/\r\n?/g, '\n');
    this.#source = lines.endsWith('\n') ? lines.slice(0, -1) : lines;
  }

  run(): readonly Token[] {
    while (this.#position < this.#source.length) this.#readTextAndTag();
    this.#tokens.push({ kind: 'end', line: this.#line });
    return this.#tokens;
  }

  #readTextAndTag(): void {
    tagBegin.lastIndex = this.#position;
    const begin = tagBegin.exec(this.#source);
    if (begin === null) {
      this.#pushData(this.#source.length, '+');
      return;
    }
    const raw = this.#matchAt(rawBegin, begin.index);
    const sign = raw === null ? this.#source.charAt(begin.index + 2) : (raw[1] ?? '');
    const control = sign === '-' || sign === '+' ? sign : '';
    const isVariable = begin[0] === '{{';
    this.#pushData(begin.index, isVariable && control === '' ? '+' : control);
    if (raw !== null) {
      this.#advance(raw[0].length);
      this.#readRaw();
      return;
    }
    this.#advance(2 + control.length);
    if (begin[0] === '{#') {
      this.#skipComment();
      return;
    }
    this.#tokens.push({ kind: isVariable ? 'variable-begin' : 'block-begin', line: this.#line });
    this.#readTag(isVariable ? variableEnd : blockEnd, isVariable ? 'variable-end' : 'block-end');
  }

  /** Text up to `end`. `control` is the tag's sign: `-` strips all white space, none strips the tag's indentation. */
  #pushData(end: number, control: string): void {
    const text = this.#source.slice(this.#position, end);
    let kept = text;
    if (control === '-') kept = text.replace(trailingSpaces, '');
    else if (control === '') {
      const lineStart = text.lastIndexOf('\n') + 1;
      const startsLine = lineStart > 0 || this.#position === 0 || this.#source[this.#position - 1] === '\n';
      if (startsLine && onlySpaces.test(text.slice(lineStart))) kept = text.slice(0, lineStart);
    }
    if (kept !== '') this.#tokens.push({ kind: 'data', text: kept, line: this.#line });
    this.#advance(text.length);
  }

  #readRaw(): void {
    rawEnd.lastIndex = this.#position;
    const end = rawEnd.exec(this.#source);
    if (end === null) throw new TemplateSyntaxError('a raw block is not closed', this.#line);
    this.#pushData(end.index, end[1] ?? '');
    this.#advance(end[0].length);
  }

  #skipComment(): void {
    commentEnd.lastIndex = this.#position;
    const end = commentEnd.exec(this.#source);
    if (end === null) throw new TemplateSyntaxError('a comment is not closed', this.#line);
    this.#advance(end.index + end[0].length - this.#position);
  }

  #readTag(endPattern: RegExp, endKind: 'variable-end' | 'block-end'): void {
    const closers: string[] = [];
    while (this.#position < this.#source.length) {
      const end = closers.length === 0 ? this.#matchAt(endPattern, this.#position) : null;
      if (end !== null) {
        this.#tokens.push({ kind: endKind, line: this.#line });
        this.#advance(end[0].length);
        return;
      }
      const space = this.#matchAt(spaces, this.#position);
      if (space === null) this.#readToken(closers);
      else this.#advance(space[0].length);
    }
  }

  #readToken(closers: string[]): void {
    const line = this.#line;
    const text = this.#takeNumber() ?? this.#takeName() ?? this.#takeString();
    if (text !== null) return;
    const sign = this.#matchAt(operator, this.#position)?.[0];
    if (sign === undefined) {
      const character = String.fromCodePoint(this.#source.codePointAt(this.#position) ?? 0);
      throw new TemplateSyntaxError(`unexpected character '${character}'`, line);
    }
    const closer = closerOf[sign];
    if (closer !== undefined) closers.push(closer);
    else if ((sign === ')' || sign === ']' || sign === '}') && closers.pop() !== sign) {
      throw new TemplateSyntaxError(`unexpected '${sign}'`, line);
    }
    this.#tokens.push({ kind: 'operator', text: sign, line });
    this.#advance(sign.length);
  }

  #takeNumber(): true | null {
    const line = this.#line;
    const real = this.#matchAt(float, this.#position)?.[0];
    const whole = real === undefined ? this.#matchAt(integer, this.#position)?.[0] : undefined;
    if (real !== undefined) this.#tokens.push({ kind: 'float', value: Number(real.replaceAll('_', '')), line });
    else if (whole !== undefined) this.#tokens.push({ kind: 'integer', value: toInteger(whole), line });
    else return null;
    this.#advance((real ?? whole ?? '').length);
    return true;
  }

  #takeName(): true | null {
    const text = this.#matchAt(name, this.#position)?.[0];
    if (text === undefined) return null;
    if (!wholeName.test(text)) throw new TemplateSyntaxError(`'${text}' is no identifier`, this.#line);
    this.#tokens.push({ kind: 'name', text, line: this.#line });
    this.#advance(text.length);
    return true;
  }

  #takeString(): true | null {
    const text = this.#matchAt(string, this.#position)?.[0];
    if (text === undefined) return null;
    this.#tokens.push({ kind: 'string', text: decodeStringLiteral(text.slice(1, -1), this.#line), line: this.#line });
    this.#advance(text.length);
    return true;
  }

  #matchAt(pattern: RegExp, position: number): RegExpExecArray | null {
    pattern.lastIndex = position;
    return pattern.exec(this.#source);
  }

  #advance(length: number): void {
    this.#line += countLines(this.#source.slice(this.#position, this.#position + length));
    this.#position += length;
  }
}

/**
 * Tokens of a template, closed by one of kind `end`. Same rules as jinja2's lexer under transformers' settings: CRLF and CR
 * become LF, `-` and `+` signs, raw blocks, comments. Throws TemplateSyntaxError where jinja2 does.
 */
export const tokenize = (source: string): readonly Token[] => new Lexer(source).run();
