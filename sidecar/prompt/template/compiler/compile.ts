import type { StepBudget } from '../runtime/budget.ts';
import type { Value } from '../runtime/values.ts';
import type { Statement } from '../syntax/ast.ts';
import { Hoisted, quoteScript } from './hoist.ts';
import { usesMarkup } from './known-names.ts';
import { runtime } from './runtime-names.ts';
import { NameSupply } from './scope.ts';
import { type Shared, StatementCompiler } from './statement-compiler.ts';

/** A compiled template: writes the pieces of one render to `out`. `global` gives the value of a global variable. */
type RenderFunction = (out: string[], budget: StepBudget, global: (name: string) => Value) => void;

/** Result of {@link compileStatements}. */
export interface CompiledStatements {
  readonly render: RenderFunction;
  /** Names of globals that the template reads. */
  readonly globals: ReadonlySet<string>;
  /** Every string literal of the template's expressions. */
  readonly texts: ReadonlySet<string>;
}

const makeFactory = (source: string): ((scope: typeof runtime) => RenderFunction) => {
  const make: unknown = new Function('runtime', source);
  // The source is generated here and ends with `return`-ing a function of this shape.
  return make as (scope: typeof runtime) => RenderFunction;
};

/** JavaScript source of a template, as the body of a function of `runtime` that gives a {@link RenderFunction}. */
const generateSource = (statements: readonly Statement[], shared: Shared): string => {
  const body = new StatementCompiler(shared).compileTemplate(statements, 'out');
  const loads = Array.from(shared.globals, ([name, variable]) => `const ${variable} = global(${quoteScript(name)});\n`);
  return [
    '"use strict";',
    `const { ${Object.keys(runtime).join(', ')} } = runtime;`,
    shared.hoisted.declarations,
    `return (out, budget, global) => {\n${loads.join('')}${body}\n};`,
  ].join('\n');
};

/** Compiles statements to a function. Throws TemplateSyntaxError or UnsupportedFeatureError. */
export const compileStatements = (statements: readonly Statement[]): CompiledStatements => {
  const names = new NameSupply();
  const shared: Shared = {
    names,
    hoisted: new Hoisted(names),
    globals: new Map(),
    hasMarkup: usesMarkup(statements),
  };
  const render = makeFactory(generateSource(statements, shared))(runtime);
  return { render, globals: new Set(shared.globals.keys()), texts: shared.hoisted.texts };
};
