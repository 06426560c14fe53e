import type { Expression, Parameter, Statement, Target } from '../syntax/ast.ts';
import { walkExpression } from '../syntax/walk.ts';

/** How a variable of a scope gets its first value when the scope is entered. */
export type Load =
  | { readonly kind: 'parameter' }
  /** The render's global of this name. */
  | { readonly kind: 'global'; readonly name: string }
  /** The outer scope's variable. */
  | { readonly kind: 'alias'; readonly variable: string }
  | { readonly kind: 'undefined' };

/** A template name as part of a JavaScript identifier; different names stay different. */
const identifierPart = (name: string): string =>
  name.replace(/[^\w]/gu, (character) => `$${character.codePointAt(0)?.toString(16)}$`);

/**
 * The variables of one scope: what jinja2 calls a frame's symbols. A name belongs to the scope that first mentions it; an
 * `if` opens none; loops, macros, `with`, set and filter blocks do. Assigning inside a scope never changes the outer one:
 * the inner variable starts as a copy.
 */
export class Symbols {
  readonly #parent: Symbols | null;
  readonly #level: number;
  #variables = new Map<string, string>();
  #loads = new Map<string, Load>();
  #stores = new Set<string>();

  constructor(parent: Symbols | null) {
    this.#parent = parent;
    this.#level = parent === null ? 0 : parent.#level + 1;
  }

  /** First values, by JavaScript variable. */
  get loads(): ReadonlyMap<string, Load> {
    return this.#loads;
  }

  /** The JavaScript variable of a name; null where no scope mentions it. */
  find(name: string): string | null {
    return this.#variables.get(name) ?? this.#parent?.find(name) ?? null;
  }

  /** Whether a name stands for the render's global, from this scope or through outer ones. */
  isGlobal(name: string): boolean {
    const variable = this.#variables.get(name);
    if (variable === undefined) return this.#parent?.isGlobal(name) ?? true;
    return this.#loads.get(variable)?.kind === 'global';
  }

  declareParameter(name: string): string {
    this.#stores.add(name);
    return this.#define(name, { kind: 'parameter' });
  }

  load(name: string): void {
    if (this.find(name) === null) this.#define(name, { kind: 'global', name });
  }

  store(name: string): void {
    this.#stores.add(name);
    if (this.#variables.has(name)) return;
    const outer = this.#parent?.find(name) ?? null;
    this.#define(name, outer === null ? { kind: 'undefined' } : { kind: 'alias', variable: outer });
  }

  loadExpression(expression: Expression): void {
    walkExpression(expression, {
      expression: (part) => {
        if (part.kind === 'name') this.load(part.name);
      },
    });
  }

  storeTarget(target: Target): void {
    if (target.kind === 'name') this.store(target.name);
    else if (target.kind === 'namespace') this.load(target.name);
    else for (const item of target.items) this.storeTarget(item);
  }

  declareTarget(target: Target): void {
    if (target.kind === 'name') this.declareParameter(target.name);
    else if (target.kind === 'tuple') for (const item of target.items) this.declareTarget(item);
  }

  declareParameters(parameters: readonly Parameter[]): void {
    for (const { name } of parameters) this.declareParameter(name);
    for (const { defaultValue } of parameters) if (defaultValue !== null) this.loadExpression(defaultValue);
  }

  /** Finds the names that statements of this scope mention; those of inner scopes are found when they are compiled. */
  analyze(statements: readonly Statement[]): void {
    for (const statement of statements) this.#analyzeStatement(statement);
  }

  #analyzeStatement(statement: Statement): void {
    switch (statement.kind) {
      case 'text':
      case 'break':
      case 'continue':
      case 'generation':
        return;
      case 'print':
        this.loadExpression(statement.value);
        return;
      case 'if': {
        const [first, ...others] = statement.branches;
        if (first === undefined) return;
        this.loadExpression(first.test);
        this.#analyzeBranches([
          (branch) => branch.analyze(first.body),
          (branch) => {
            for (const other of others) branch.#analyzeStatement({ kind: 'if', branches: [other], otherwise: [] });
          },
          (branch) => branch.analyze(statement.otherwise),
        ]);
        return;
      }
      case 'for':
        this.loadExpression(statement.iterable);
        return;
      case 'set':
        this.loadExpression(statement.value);
        this.storeTarget(statement.target);
        return;
      case 'set-block':
        this.storeTarget(statement.target);
        return;
      case 'macro':
        this.store(statement.name);
        return;
      case 'call-block':
        this.loadExpression(statement.call);
        return;
      case 'filter-block':
        this.loadExpression(statement.filter);
        return;
      case 'with':
        for (const { value } of statement.bindings) this.loadExpression(value);
    }
  }

  /** A name that only some branches assign starts as the outer variable or the global. */
  #analyzeBranches(analyses: readonly ((branch: Symbols) => void)[]): void {
    const branches = analyses.map((analyze) => {
      const branch = this.#copy();
      analyze(branch);
      return branch;
    });
    const stores = new Set(branches.flatMap((branch) => [...branch.#stores]).filter((name) => !this.#stores.has(name)));
    for (const branch of branches) {
      for (const [name, variable] of branch.#variables) this.#variables.set(name, variable);
      for (const [variable, load] of branch.#loads) this.#loads.set(variable, load);
      for (const name of branch.#stores) this.#stores.add(name);
    }
    for (const name of stores) {
      const variable = this.find(name);
      const outer = this.#parent?.find(name) ?? null;
      if (variable === null) continue;
      this.#loads.set(variable, outer === null ? { kind: 'global', name } : { kind: 'alias', variable: outer });
    }
  }

  #copy(): Symbols {
    const copy = new Symbols(this.#parent);
    copy.#variables = new Map(this.#variables);
    copy.#loads = new Map(this.#loads);
    copy.#stores = new Set(this.#stores);
    return copy;
  }

  #define(name: string, load: Load): string {
    const variable = `v${this.#level}_${identifierPart(name)}`;
    this.#variables.set(name, variable);
    this.#loads.set(variable, load);
    return variable;
  }
}
