import type { StepBudget } from './budget.ts';
import { repr } from './print.ts';
import { fail, type Keywords, PyObject, PyTuple, type Value } from './values.ts';

/** Stands in a macro's arguments for a parameter that the call did not give. */
export const MISSING: unique symbol = Symbol('missing argument');

/** A macro's argument as its compiled body gets it. */
export type MacroArgument = Value | typeof MISSING;

/** What a macro's compiled body takes besides its named parameters. */
export interface MacroShape {
  /** Null for the body of a call block. */
  readonly name: string | null;
  readonly parameters: readonly string[];
  /** Whether the body reads `caller` without declaring it; likewise the next two. */
  readonly usesCaller: boolean;
  readonly usesKeywords: boolean;
  readonly usesVarargs: boolean;
}

/** Writes a macro's pieces to `out`. Arguments: named parameters, then caller, keywords and varargs where the shape has them. */
export type MacroBody = (out: string[], args: readonly MacroArgument[]) => void;

/** A macro, or the body of a call block as its `caller`. */
export class Macro extends PyObject {
  readonly typeName = 'Macro';
  readonly #budget: StepBudget;
  readonly #shape: MacroShape;
  readonly #body: MacroBody;

  constructor(budget: StepBudget, shape: MacroShape, body: MacroBody) {
    super();
    this.#budget = budget;
    this.#shape = shape;
    this.#body = body;
  }

  /** Calls the macro, its text going to `out` piece by piece. */
  write(out: string[], args: readonly Value[], keywords: Keywords): void {
    this.#budget.spend();
    this.#body(out, this.#bind(args, keywords));
  }

  override get isCallable(): boolean {
    return true;
  }

  override call(args: readonly Value[], keywords: Keywords): Value {
    const out: string[] = [];
    this.write(out, args, keywords);
    return out.join('');
  }

  override attribute(name: string): Value {
    switch (name) {
      case 'name':
        return this.#shape.name;
      case 'arguments':
        return new PyTuple(this.#shape.parameters);
      case 'caller':
        return this.#shape.usesCaller;
      case 'catch_kwargs':
        return this.#shape.usesKeywords;
      case 'catch_varargs':
        return this.#shape.usesVarargs;
      case 'explicit_caller':
        return this.#shape.parameters.includes('caller');
      default:
        return undefined;
    }
  }

  override print(): string {
    return `<Macro ${this.#shape.name === null ? 'anonymous' : repr(this.#shape.name)}>`;
  }

  #bind(args: readonly Value[], keywords: Keywords): readonly MacroArgument[] {
    const { parameters, usesCaller, usesKeywords, usesVarargs } = this.#shape;
    const isPlain = keywords.size === 0 && !usesCaller && !usesKeywords && !usesVarargs;
    if (isPlain && args.length === parameters.length) return args;
    const rest = new Map(keywords);
    const bound: MacroArgument[] = [];
    let hasCaller = args.length >= parameters.length && parameters.includes('caller');
    for (const [position, name] of parameters.entries()) {
      if (position < args.length) bound.push(args[position]);
      else {
        bound.push(rest.has(name) ? rest.get(name) : MISSING);
        rest.delete(name);
        hasCaller ||= name === 'caller';
      }
    }
    if (usesCaller && !hasCaller) {
      bound.push(rest.get('caller') ?? undefined);
      rest.delete('caller');
    }
    if (usesKeywords) bound.push(rest);
    else if (rest.size > 0) return fail('a macro got a keyword argument that it does not take');
    if (usesVarargs) bound.push(new PyTuple(args.slice(parameters.length)));
    else if (args.length > parameters.length) return fail('a macro got too many arguments');
    return bound;
  }
}
