import type { Arguments, Expression } from '../syntax/ast.ts';
import type { Symbols } from './symbols.ts';

/** Hands out JavaScript names that nothing else in the generated source has. */
export class NameSupply {
  #count = 0;

  next(prefix: string): string {
    this.#count += 1;
    return `${prefix}${this.#count}`;
  }
}

/** One JavaScript function being written: collects the temporaries that its expressions need. */
export class FunctionContext {
  readonly #names: NameSupply;
  readonly #temporaries: string[] = [];

  constructor(names: NameSupply) {
    this.#names = names;
  }

  temporary(): string {
    const name = this.#names.next('t');
    this.#temporaries.push(name);
    return name;
  }

  /** The declaration to put before the function's code. */
  get declaration(): string {
    return this.#temporaries.length === 0 ? '' : `let ${this.#temporaries.join(', ')};\n`;
  }
}

/** Where a piece of the template stands: its variables and what surrounds it. */
export interface Scope {
  readonly symbols: Symbols;
  readonly function: FunctionContext;
  /** The JavaScript array that takes the output. */
  readonly out: string;
  /** Variables that hold a loop, whose properties can be read directly. */
  readonly loops: ReadonlySet<string>;
  /** Parameters of a macro whose default is not filled in yet. */
  readonly unfilled: ReadonlySet<string>;
  /** Inside an `if` or conditional expression jinja2 reports unknown filters and tests only when they are reached. */
  readonly isSoft: boolean;
  /** Whether `break` and `continue` have a loop to act on. */
  readonly isInLoop: boolean;
}

/** What compilers of parts of an expression need to write the operands. */
export interface ExpressionWriter {
  readonly hasMarkup: boolean;
  /** Code for an expression's value. */
  value(expression: Expression, scope: Scope): string;
  /** Code for a call's arguments: an array and a Map. */
  arguments(args: Arguments, scope: Scope): string;
}
