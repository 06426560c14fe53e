import type { Target } from '../syntax/ast.ts';
import { UnsupportedFeatureError } from '../syntax/errors.ts';
import { quoteScript } from './hoist.ts';
import type { NameSupply } from './scope.ts';
import type { SourceWriter } from './source-writer.ts';
import type { Symbols } from './symbols.ts';

/** Globals that a template reads, with the JavaScript variables that hold them. */
export type Globals = Map<string, string>;

const namesIn = (target: Target): readonly string[] => {
  if (target.kind === 'name') return [target.name];
  return target.kind === 'tuple' ? target.items.flatMap(namesIn) : [];
};

/** Writes declarations of and assignments to template variables. */
export class VariableWriter {
  readonly #writer: SourceWriter;
  readonly #names: NameSupply;
  readonly #globals: Globals;

  constructor(writer: SourceWriter, names: NameSupply, globals: Globals) {
    this.#writer = writer;
    this.#names = names;
    this.#globals = globals;
  }

  /** First values of a scope's variables, parameters aside. */
  enter(symbols: Symbols): void {
    for (const [variable, load] of symbols.loads) {
      if (load.kind === 'global') this.#writer.line(`let ${variable} = ${this.#global(load.name)};`);
      else if (load.kind === 'alias') this.#writer.line(`let ${variable} = ${load.variable};`);
      else if (load.kind === 'undefined') this.#writer.line(`let ${variable};`);
    }
  }

  /** Declares the names of targets and assigns them their values, one after the other. */
  declare(bindings: readonly { readonly target: Target; readonly value: string }[], symbols: Symbols): void {
    const names = bindings.flatMap(({ target }) => namesIn(target));
    const variables = new Set(names.map((name) => this.variable(name, symbols)));
    if (variables.size > 0) this.#writer.line(`let ${[...variables].join(', ')};`);
    for (const { target, value } of bindings) this.assign(target, value, symbols);
  }

  assign(target: Target, value: string, symbols: Symbols): void {
    if (target.kind === 'name') this.#writer.line(`${this.variable(target.name, symbols)} = ${value};`);
    else if (target.kind === 'namespace') {
      if (target.attribute.startsWith('_'))
        throw new UnsupportedFeatureError('a namespace attribute with an underscore');
      const object = this.variable(target.name, symbols);
      this.#writer.line(`setAttribute(${object}, ${quoteScript(target.attribute)}, ${value});`);
    } else {
      const items = this.#names.next('items');
      this.#writer.line(`const ${items} = unpack(${value}, ${target.items.length});`);
      for (const [position, item] of target.items.entries()) this.assign(item, `${items}[${position}]`, symbols);
    }
  }

  /** The JavaScript variable of a name that the scope has analyzed. */
  variable(name: string, symbols: Symbols): string {
    const variable = symbols.find(name);
    if (variable === null) throw new UnsupportedFeatureError(`the variable '${name}' in this place`);
    return variable;
  }

  #global(name: string): string {
    const known = this.#globals.get(name);
    if (known !== undefined) return known;
    const variable = this.#names.next('g');
    this.#globals.set(name, variable);
    return variable;
  }
}
