import type { Value } from '../runtime/values.ts';
import type { Literal } from '../syntax/ast.ts';
import type { NameSupply } from './scope.ts';

/** Text as a JavaScript string literal. */
export const quoteScript = (text: string): string =>
  JSON.stringify(text).replace(/[\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`);

/** Definitions at the head of the generated source, made once a template: constants, filters and tests. */
export class Hoisted {
  readonly #names: NameSupply;
  readonly #byCode = new Map<string, string>();
  readonly #texts = new Set<string>();

  constructor(names: NameSupply) {
    this.#names = names;
  }

  /** The name under which an expression's value is kept. */
  define(code: string): string {
    const known = this.#byCode.get(code);
    if (known !== undefined) return known;
    const name = this.#names.next('k');
    this.#byCode.set(code, name);
    return name;
  }

  filter(name: string): string {
    return this.define(`filterNamed(${quoteScript(name)})`);
  }

  /** The plain function of a filter whose parameters are bound when the template is compiled. */
  filterFunction(name: string): string {
    return this.define(`filterNamed(${quoteScript(name)}).run`);
  }

  test(name: string): string {
    return this.define(`testNamed(${quoteScript(name)})`);
  }

  testFunction(name: string): string {
    return this.define(`testNamed(${quoteScript(name)}).run`);
  }

  literal(literal: Literal): string {
    switch (literal.type) {
      case 'none':
        return 'null';
      case 'boolean':
        return String(literal.value);
      case 'string':
        this.#texts.add(literal.value);
        return quoteScript(literal.value);
      case 'integer':
        return typeof literal.value === 'bigint' ? `${literal.value}n` : String(literal.value);
      case 'float':
        return this.define(`new PyFloat(${literal.value})`);
    }
  }

  /** A parameter's default as code. */
  defaultValue(value: Value): string {
    if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
    if (typeof value === 'string') return quoteScript(value);
    return this.define('new PyFloat(0)');
  }

  /** Every string literal of the template. */
  get texts(): ReadonlySet<string> {
    return this.#texts;
  }

  get declarations(): string {
    return Array.from(this.#byCode, ([code, name]) => `const ${name} = ${code};\n`).join('');
  }
}
