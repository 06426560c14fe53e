import {
  type CodePointSet,
  complement,
  propertySet,
  toPatternClass,
  union,
  whiteSpace,
} from '../unicode/code-point-set.ts';
import { unsupported } from '../unsupported.ts';

const LETTER_S = 0x73;
const LONG_S = 0x17f;
const LETTER_K = 0x6b;
const KELVIN_SIGN = 0x212a;
/** Pairs that one character can stand for where case is ignored (U+00DF for ss, U+FB01 for fi, …). */
const FOLDED_PAIRS = new Set(['ss', 'ff', 'fi', 'fl', 'st']);
const ESCAPED_CONTROLS: ReadonlyMap<string, number> = new Map([
  ['r', 0x0d],
  ['n', 0x0a],
  ['t', 0x09],
  ['v', 0x0b],
  ['f', 0x0c],
  ['a', 0x07],
  ['e', 0x1b],
]);
const decimalDigits = (): CodePointSet => propertySet('Nd') ?? [];
const allOf = (codePoint: number): CodePointSet => [codePoint, codePoint];
const isAsciiLetter = (codePoint: number): boolean =>
  (codePoint >= 0x41 && codePoint <= 0x5a) || (codePoint >= 0x61 && codePoint <= 0x7a);

/** Members with those that differ from them in case only; ASCII letters are the only cased ones understood. */
const anyCase = (set: CodePointSet): CodePointSet => {
  const added: CodePointSet[] = [set];
  for (let at = 0; at < set.length; at += 2) {
    const first = set[at] ?? 0;
    const last = set[at + 1] ?? 0;
    if (last >= 0x80) unsupported('a pattern that ignores case beyond ASCII');
    for (let codePoint = first; codePoint <= last; codePoint += 1) {
      if (!isAsciiLetter(codePoint)) continue;
      const lower = codePoint | 0x20;
      added.push(allOf(lower), allOf(lower & ~0x20));
      if (lower === LETTER_S) added.push(allOf(LONG_S));
      if (lower === LETTER_K) added.push(allOf(KELVIN_SIGN));
    }
  }
  return union(...added);
};

/** Reads one pattern of Oniguruma's Ruby syntax and writes the JavaScript source that matches the same. */
class PatternTranslator {
  readonly #pattern: readonly string[];
  #at = 0;
  #atomicGroups = 0;
  #ignoresCase = false;
  /** The literal just before, where case is ignored. */
  #lastLetter = '';

  constructor(pattern: string) {
    this.#pattern = [...pattern];
  }

  translate(): string {
    const source = this.#alternatives();
    return this.#at < this.#pattern.length ? unsupported('a pattern with an unmatched parenthesis') : source;
  }

  #peek(): string {
    return this.#pattern[this.#at] ?? '';
  }

  #take(): string {
    const character = this.#pattern[this.#at];
    if (character === undefined) return unsupported('a pattern that ends too soon');
    this.#at += 1;
    return character;
  }

  #takeIf(text: string): boolean {
    const characters = [...text];
    if (characters.some((character, offset) => this.#pattern[this.#at + offset] !== character)) return false;
    this.#at += characters.length;
    return true;
  }

  #alternatives(): string {
    const branches: string[] = [];
    do branches.push(this.#branch());
    while (this.#takeIf('|'));
    return branches.join('|');
  }

  #branch(): string {
    let source = '';
    this.#lastLetter = '';
    while (this.#at < this.#pattern.length && this.#peek() !== '|' && this.#peek() !== ')') {
      source += this.#quantified(this.#atom());
    }
    return source;
  }

  #quantified(atom: string): string {
    let source = atom;
    for (;;) {
      const mark = this.#peek();
      if (mark === '*' || mark === '+' || mark === '?') {
        this.#at += 1;
        if (this.#takeIf('?')) source = `(?:${source})${mark}?`;
        else if (this.#takeIf('+')) source = this.#atomic(`(?:${source})${mark}`);
        else source = `(?:${source})${mark}`;
      } else if (mark === '{') source = `(?:${source})${this.#interval()}`;
      else return source;
      this.#lastLetter = '';
    }
  }

  #interval(): string {
    const close = this.#pattern.indexOf('}', this.#at);
    const interval = this.#pattern.slice(this.#at, close + 1).join('');
    const bounds = /^\{(\d*)(,?)(\d*)\}$/.exec(interval);
    if (close < 0 || bounds === null || interval === '{}' || interval === '{,}') {
      return unsupported('a pattern with a brace that is no interval');
    }
    this.#at = close + 1;
    const [, least = '', comma = '', most = ''] = bounds;
    if (this.#takeIf('?')) {
      return comma === '' ? unsupported('a lazy interval of one number') : `{${least || '0'},${most}}?`;
    }
    return `{${least || '0'}${comma}${most}}`;
  }

  /** A group that never gives back what it took. */
  #atomic(source: string): string {
    const name = `a${this.#atomicGroups++}`;
    return `(?=(?<${name}>${source}))\\k<${name}>`;
  }

  #atom(): string {
    const character = this.#take();
    if (character === '(') return this.#group();
    if (character === '[') return toPatternClass(this.#class());
    if (character === '\\') return this.#escape();
    this.#notLetter(character);
    if (character === '.') return '[^\\n]';
    if (character === '^') return '(?:^|(?<=\\n)(?!$))';
    if (character === '$') return '(?=\\n|$)';
    return this.#literal(character.codePointAt(0) ?? 0);
  }

  #notLetter(character: string): void {
    if (!this.#ignoresCase) return;
    const letter = character.toLowerCase();
    if (FOLDED_PAIRS.has(this.#lastLetter + letter))
      unsupported('a pattern that ignores case of letters with ligatures');
    this.#lastLetter = letter;
  }

  #literal(codePoint: number): string {
    return toPatternClass(this.#ignoresCase ? anyCase(allOf(codePoint)) : allOf(codePoint));
  }

  #group(): string {
    const ignoredBefore = this.#ignoresCase;
    let open = '(?:';
    let isAtomic = false;
    if (this.#takeIf('?')) {
      if (this.#takeIf('i:')) this.#ignoresCase = true;
      else if (this.#takeIf('>')) isAtomic = true;
      else if (this.#takeIf('=')) open = '(?=';
      else if (this.#takeIf('!')) open = '(?!';
      else if (this.#takeIf('<=')) open = '(?<=';
      else if (this.#takeIf('<!')) open = '(?<!';
      else if (!this.#takeIf(':')) unsupported('a pattern with a kind of group that is not known');
    }
    const inner = this.#alternatives();
    if (!this.#takeIf(')')) unsupported('a pattern with an open parenthesis');
    this.#ignoresCase = ignoredBefore;
    this.#lastLetter = '';
    return isAtomic ? this.#atomic(inner) : `${open}${inner})`;
  }

  #escape(): string {
    this.#lastLetter = '';
    if (this.#takeIf('A')) return '(?<![^])';
    if (this.#takeIf('z')) return '(?![^])';
    if (this.#takeIf('Z')) return '(?=\\n?(?![^]))';
    const set = this.#escapedSet();
    return toPatternClass(this.#ignoresCase ? anyCase(set) : set);
  }

  /** What follows a backslash, as a set. */
  #escapedSet(): CodePointSet {
    const character = this.#take();
    const control = ESCAPED_CONTROLS.get(character);
    if (control !== undefined) return allOf(control);
    if (character === 's') return whiteSpace;
    if (character === 'S') return complement(whiteSpace);
    if (character === 'd') return decimalDigits();
    if (character === 'D') return complement(decimalDigits());
    if (character === 'p' || character === 'P') return this.#property(character === 'P');
    if (character === 'x' || character === 'u') return allOf(this.#codePoint(character));
    if (/[0-9A-Za-z]/.test(character)) return unsupported(`a pattern with \\${character}`);
    return allOf(character.codePointAt(0) ?? 0);
  }

  #codePoint(kind: string): number {
    let digits = '';
    if (kind === 'x' && this.#takeIf('{')) while (!this.#takeIf('}')) digits += this.#take();
    else for (let taken = 0; taken < (kind === 'u' ? 4 : 2); taken += 1) digits += this.#take();
    return /^[0-9a-fA-F]{1,6}$/.test(digits)
      ? Number.parseInt(digits, 16)
      : unsupported('a pattern with a bad code point');
  }

  #property(isNegated: boolean): CodePointSet {
    if (!this.#takeIf('{')) return unsupported('a property without braces');
    const isInverted = this.#takeIf('^') !== isNegated;
    let name = '';
    while (!this.#takeIf('}')) name += this.#take();
    const set = propertySet(name) ?? unsupported(`a pattern with the property ${name}`);
    return isInverted ? complement(set) : set;
  }

  #class(): CodePointSet {
    const isNegated = this.#takeIf('^');
    const parts: CodePointSet[] = [];
    while (!this.#takeIf(']')) {
      const item = this.#classItem();
      const isRange = this.#peek() === '-' && this.#pattern[this.#at + 1] !== ']';
      if (isRange && item.length === 2 && item[0] === item[1]) {
        this.#at += 1;
        const last = this.#classItem()[0] ?? 0;
        parts.push([item[0] ?? 0, last]);
      } else parts.push(item);
    }
    const set = this.#ignoresCase ? anyCase(union(...parts)) : union(...parts);
    this.#lastLetter = '';
    return isNegated ? complement(set) : set;
  }

  #classItem(): CodePointSet {
    const character = this.#take();
    if (character === '[') return unsupported('a class within a class');
    if (character === '&' && this.#peek() === '&') return unsupported('an intersection of classes');
    return character === '\\' ? this.#escapedSet() : allOf(character.codePointAt(0) ?? 0);
  }
}

/**
 * The JavaScript pattern (flags `gu`) that matches what Oniguruma, the engines' pattern language, matches: properties
 * are written out as ranges of a fixed Unicode version, possessive and atomic parts as lookaheads, ignored case by hand.
 * Unsupported where a construct has no exact counterpart. Syntax: Oniguruma's doc/RE, Ruby flavour.
 */
export const translatePattern = (pattern: string): RegExp => {
  try {
    return new RegExp(new PatternTranslator(pattern).translate(), 'gu');
  } catch (failure) {
    if (failure instanceof SyntaxError) return unsupported('a pattern that JavaScript does not take');
    throw failure;
  }
};
