import type { CallBlockStatement, Expression, ForStatement, Parameter, Statement } from '../syntax/ast.ts';
import { TemplateSyntaxError, UnsupportedFeatureError } from '../syntax/errors.ts';
import { namesReadUnassigned, walkStatements } from '../syntax/walk.ts';
import { ExpressionCompiler } from './expression-compiler.ts';
import type { Hoisted } from './hoist.ts';
import { analyzeMacro, readsSpecialNames } from './macro-parameters.ts';
import { PrintCompiler } from './print-compiler.ts';
import { FunctionContext, type NameSupply, type Scope } from './scope.ts';
import { SourceWriter } from './source-writer.ts';
import { Symbols } from './symbols.ts';
import { type Globals, VariableWriter } from './variable-writer.ts';

const noNames: ReadonlySet<string> = new Set();

/** What the compilers of nested functions share. */
export interface Shared {
  readonly names: NameSupply;
  readonly hoisted: Hoisted;
  readonly globals: Globals;
  /** Whether the template has filters that mark strings as HTML-safe. */
  readonly hasMarkup: boolean;
}

/**
 * Writes statements as JavaScript, one instance a generated function. A template scope becomes a JavaScript block with its
 * own variables; `break` and `continue` stay themselves, so blocks that capture text are written inline, not as functions.
 */
export class StatementCompiler {
  readonly #shared: Shared;
  readonly #context: FunctionContext;
  readonly #writer = new SourceWriter();
  readonly #expressions: ExpressionCompiler;
  readonly #printer: PrintCompiler;
  readonly #variables: VariableWriter;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#context = new FunctionContext(shared.names);
    this.#expressions = new ExpressionCompiler(shared.hoisted, shared);
    this.#printer = new PrintCompiler(this.#expressions, this.#writer);
    this.#variables = new VariableWriter(this.#writer, shared.names, shared.globals);
  }

  /** The body of the function that renders a whole template. */
  compileTemplate(statements: readonly Statement[], out: string): string {
    const symbols = new Symbols(null);
    symbols.analyze(statements);
    const scope: Scope = {
      symbols,
      function: this.#context,
      out,
      loops: noNames,
      unfilled: noNames,
      isSoft: false,
      isInLoop: false,
    };
    this.#variables.enter(symbols);
    this.#statements(statements, scope);
    return this.#finish();
  }

  #finish(): string {
    const code = this.#writer.finish();
    return this.#context.declaration + code;
  }

  #statements(statements: readonly Statement[], scope: Scope): void {
    for (const statement of statements) this.#statement(statement, scope);
  }

  #statement(statement: Statement, scope: Scope): void {
    switch (statement.kind) {
      case 'text':
        this.#writer.text(scope.out, statement.text);
        return;
      case 'print':
        this.#printer.print(statement.value, scope);
        return;
      case 'if':
        this.#if(statement, scope);
        return;
      case 'for':
        statement.isRecursive ? this.#recursiveFor(statement, scope) : this.#plainFor(statement, scope);
        return;
      case 'set':
        this.#variables.assign(statement.target, this.#expressions.value(statement.value, scope), scope.symbols);
        return;
      case 'set-block':
        this.#setBlock(statement, scope);
        return;
      case 'macro': {
        const variable = this.#variables.variable(statement.name, scope.symbols);
        this.#writer.line(`${variable} = ${this.#macro(statement.name, statement.parameters, statement.body, scope)};`);
        return;
      }
      case 'call-block':
        this.#callBlock(statement, scope);
        return;
      case 'filter-block':
        this.#filterBlock(statement, scope);
        return;
      case 'with':
        this.#with(statement, scope);
        return;
      case 'generation':
        this.#generation(statement.body, scope);
        return;
      case 'break':
      case 'continue':
        if (!scope.isInLoop) throw new TemplateSyntaxError(`${statement.kind} outside of a loop`);
        this.#writer.line(`${statement.kind};`);
        return;
    }
  }

  #if(statement: Extract<Statement, { kind: 'if' }>, scope: Scope): void {
    const soft = { ...scope, isSoft: true };
    for (const [position, { test, body }] of statement.branches.entries()) {
      this.#writer.line(`${position === 0 ? '' : '} else '}if (${this.#expressions.condition(test, soft)}) {`);
      this.#statements(body, soft);
    }
    if (statement.otherwise.length > 0) {
      this.#writer.line('} else {');
      this.#statements(statement.otherwise, soft);
    }
    this.#writer.line('}');
  }

  #plainFor(statement: ForStatement, scope: Scope): void {
    this.#writer.line('{');
    this.#loop(statement, scope, this.#expressions.value(statement.iterable, scope), 'null');
    this.#writer.line('}');
  }

  /** The loop becomes a function of its items, which `loop(items)` calls again. */
  #recursiveFor(statement: ForStatement, scope: Scope): void {
    const { names } = this.#shared;
    const [render, items, depth, out] = [
      names.next('render'),
      names.next('items'),
      names.next('depth'),
      names.next('out'),
    ];
    const inner = new StatementCompiler(this.#shared);
    inner.#writer.line(`const ${out} = [];`);
    const innerScope = { ...scope, function: inner.#context, out, isInLoop: false };
    inner.#loop(statement, innerScope, items, `{ recurse: ${render}, depth: ${depth} }`);
    inner.#writer.line(`return ${out}.join("");`);
    const iterable = this.#expressions.value(statement.iterable, scope);
    this.#writer.line(`{\nconst ${render} = (${items}, ${depth}) => {\n${inner.#finish()}\n};`);
    this.#writer.line(`${scope.out}.push(${render}(${iterable}, 1));\n}`);
  }

  #loop(statement: ForStatement, scope: Scope, iterable: string, recursion: string): void {
    this.#refuseLoopAssignment(statement);
    const { names } = this.#shared;
    const loop = names.next('loop');
    const symbols = new Symbols(scope.symbols);
    const usesLoop = statement.isRecursive || namesReadUnassigned(statement.body, ['loop']).size > 0;
    const loopVariable = usesLoop ? symbols.declareParameter('loop') : null;
    symbols.declareTarget(statement.target);
    symbols.analyze(statement.body);
    const inner: Scope = {
      ...scope,
      symbols,
      loops: loopVariable === null ? scope.loops : new Set([...scope.loops, loopVariable]),
      isSoft: false,
      isInLoop: true,
    };
    const filtered =
      statement.test === null ? iterable : this.#filteredItems(statement, statement.test, iterable, scope);
    const ran = statement.otherwise.length > 0 ? names.next('ran') : null;
    this.#writer.line(`const ${loop} = new Loop(budget, ${filtered}, ${recursion});`);
    if (ran !== null) this.#writer.line(`let ${ran} = false;`);
    this.#writer.line(`while (${loop}.next()) {`);
    if (loopVariable !== null) this.#writer.line(`const ${loopVariable} = ${loop};`);
    this.#variables.declare([{ target: statement.target, value: `${loop}.current` }], symbols);
    this.#variables.enter(symbols);
    this.#statements(statement.body, inner);
    // As in jinja2, a turn that ends by break or continue does not count as one that ran.
    if (ran !== null) this.#writer.line(`${ran} = true;`);
    this.#writer.line('}');
    if (ran === null) return;
    const otherwise = new Symbols(scope.symbols);
    otherwise.analyze(statement.otherwise);
    this.#writer.line(`if (!${ran}) {`);
    this.#variables.enter(otherwise);
    this.#statements(statement.otherwise, { ...scope, symbols: otherwise, isSoft: false });
    this.#writer.line('}');
  }

  /** Items that pass the loop's condition, tested one by one as the body asks for them. */
  #filteredItems(statement: ForStatement, test: Expression, iterable: string, scope: Scope): string {
    const { names } = this.#shared;
    const [items, candidate] = [names.next('items'), names.next('item')];
    const symbols = new Symbols(scope.symbols);
    symbols.declareTarget(statement.target);
    symbols.loadExpression(test);
    const inner = new StatementCompiler(this.#shared);
    inner.#writer.line(`for (const ${candidate} of iterate(${items})) {`);
    inner.#variables.declare([{ target: statement.target, value: candidate }], symbols);
    inner.#variables.enter(symbols);
    const innerScope = { ...scope, symbols, function: inner.#context, isSoft: false, isInLoop: false };
    inner.#writer.line(`if (${inner.#expressions.condition(test, innerScope)}) yield ${candidate};\n}`);
    return `new PyIterator((function* (${items}) {\n${inner.#finish()}\n})(${iterable}))`;
  }

  #refuseLoopAssignment(statement: ForStatement): void {
    walkStatements([statement], {
      store: (name) => {
        if (name === 'loop') throw new TemplateSyntaxError('a loop assigns the special variable loop');
      },
    });
  }

  #setBlock(statement: Extract<Statement, { kind: 'set-block' }>, scope: Scope): void {
    const { filter } = statement;
    const inner = this.#openScope(scope, (symbols) => {
      symbols.analyze(statement.body);
      if (filter !== null) symbols.loadExpression(filter);
    });
    const text = this.#capture(statement.body, inner);
    const value = filter === null ? text : this.#expressions.filterChain(filter, text, inner);
    this.#variables.assign(statement.target, value, scope.symbols);
    this.#writer.line('}');
  }

  #filterBlock(statement: Extract<Statement, { kind: 'filter-block' }>, scope: Scope): void {
    const inner = this.#openScope(scope, (symbols) => {
      symbols.analyze(statement.body);
      symbols.loadExpression(statement.filter);
    });
    const text = this.#capture(statement.body, inner);
    const filtered = this.#expressions.filterChain(statement.filter, text, inner);
    this.#writer.line(`${scope.out}.push(requireText(${filtered}));`);
    this.#writer.line('}');
  }

  #with(statement: Extract<Statement, { kind: 'with' }>, scope: Scope): void {
    const symbols = new Symbols(scope.symbols);
    for (const { target } of statement.bindings) symbols.declareTarget(target);
    symbols.analyze(statement.body);
    this.#writer.line('{');
    const bindings = statement.bindings.map(({ target, value }) => ({
      target,
      value: this.#expressions.value(value, scope),
    }));
    this.#variables.declare(bindings, symbols);
    this.#variables.enter(symbols);
    this.#statements(statement.body, { ...scope, symbols, isSoft: false });
    this.#writer.line('}');
  }

  /** transformers' `{% generation %}`: a body like a call block's, whose text goes straight on. */
  #generation(body: readonly Statement[], scope: Scope): void {
    if (readsSpecialNames(body)) throw new UnsupportedFeatureError('a special macro parameter inside generation');
    const inner = this.#openScope(scope, (symbols) => symbols.analyze(body));
    this.#statements(body, { ...inner, isInLoop: false });
    this.#writer.line('}');
  }

  #callBlock({ call: { callee, args }, parameters, body }: CallBlockStatement, scope: Scope): void {
    const caller = this.#shared.names.next('caller');
    const macro = this.#macro(null, parameters, body, scope);
    const passed = this.#expressions.arguments(args, scope, caller);
    const result = `call(${this.#expressions.value(callee, scope)}, ${passed})`;
    this.#writer.line(`{\nconst ${caller} = ${macro};\n${scope.out}.push(requireText(${result}));\n}`);
  }

  /** Code that makes a macro; one without name is the body of a call block. */
  #macro(name: string | null, parameters: readonly Parameter[], body: readonly Statement[], scope: Scope): string {
    const { names, hoisted } = this.#shared;
    const [out, args] = [names.next('out'), names.next('args')];
    const { shape, extras } = analyzeMacro(name, parameters, body);
    const symbols = new Symbols(scope.symbols);
    symbols.declareParameters(parameters);
    symbols.analyze(body);
    for (const extra of extras) symbols.declareParameter(extra);
    const inner = new StatementCompiler(this.#shared);
    const innerScope: Scope = {
      symbols,
      function: inner.#context,
      out,
      loops: scope.loops,
      unfilled: noNames,
      isSoft: false,
      isInLoop: false,
    };
    const variables = [...shape.parameters, ...extras].map((parameter) => symbols.find(parameter));
    inner.#writer.line(`let [${variables.join(', ')}] = ${args};`);
    inner.#variables.enter(symbols);
    inner.#fillDefaults(parameters, innerScope);
    inner.#statements(body, innerScope);
    return `new Macro(budget, ${hoisted.define(JSON.stringify(shape))}, (${out}, ${args}) => {\n${inner.#finish()}\n})`;
  }

  /** Defaults may read earlier parameters; later ones are undefined unless the call gave them. */
  #fillDefaults(parameters: readonly Parameter[], scope: Scope): void {
    const unfilled = new Set(parameters.map(({ name }) => this.#variables.variable(name, scope.symbols)));
    for (const { name, defaultValue } of parameters) {
      const variable = this.#variables.variable(name, scope.symbols);
      const value = defaultValue === null ? 'undefined' : this.#expressions.value(defaultValue, { ...scope, unfilled });
      this.#writer.line(`if (${variable} === MISSING) ${variable} = ${value};`);
      unfilled.delete(variable);
    }
  }

  /** Opens a JavaScript block with a scope of its own; the caller closes it. */
  #openScope(scope: Scope, analyze: (symbols: Symbols) => void): Scope {
    const symbols = new Symbols(scope.symbols);
    analyze(symbols);
    this.#writer.line('{');
    this.#variables.enter(symbols);
    return { ...scope, symbols, isSoft: false };
  }

  /** Renders a body into a string of its own; gives the variable that holds it. */
  #capture(body: readonly Statement[], scope: Scope): string {
    const { names } = this.#shared;
    const [out, text] = [names.next('out'), names.next('text')];
    this.#writer.line(`const ${out} = [];`);
    this.#statements(body, { ...scope, out });
    this.#writer.line(`const ${text} = ${out}.join("");`);
    return text;
  }
}
