import type { ContentFormat } from './port.ts';
import type { Arguments, Expression, ForStatement, MacroStatement, Statement } from './syntax/ast.ts';
import { walkStatements } from './syntax/walk.ts';

/** vLLM gives up where such an assignment or loop has several targets; content is then a string. */
class NotAName extends Error {}

interface Parts {
  readonly assignments: readonly Extract<Statement, { kind: 'set' }>[];
  readonly loops: readonly ForStatement[];
  readonly macros: readonly MacroStatement[];
  readonly calls: readonly Extract<Expression, { kind: 'call' }>[];
}

const partsOf = (statements: readonly Statement[]): Parts => {
  const assignments: Extract<Statement, { kind: 'set' }>[] = [];
  const loops: ForStatement[] = [];
  const macros: MacroStatement[] = [];
  const calls: Extract<Expression, { kind: 'call' }>[] = [];
  walkStatements(statements, {
    statement(statement) {
      if (statement.kind === 'set') assignments.push(statement);
      else if (statement.kind === 'for') loops.push(statement);
      else if (statement.kind === 'macro') macros.push(statement);
    },
    expression(expression) {
      if (expression.kind === 'call') calls.push(expression);
    },
  });
  return { assignments, loops, macros, calls };
};

/** What is left of `x|filter`, `x is test` and `x[a:b]` without those. */
const unwrap = (expression: Expression): Expression => {
  if (expression.kind === 'filter') return expression.operand === null ? expression : unwrap(expression.operand);
  if (expression.kind === 'test') return unwrap(expression.operand);
  return expression.kind === 'slice' ? unwrap(expression.object) : expression;
};

const isName = (expression: Expression, names: ReadonlySet<string>): boolean =>
  expression.kind === 'name' && names.has(expression.name);

const readsName = (expression: Expression, names: ReadonlySet<string>): boolean => isName(unwrap(expression), names);

/** Whether an expression is `message.content` or `message['content']` of one of these variables. */
const readsContent = (expression: Expression, messages: ReadonlySet<string>): boolean => {
  const inner = unwrap(expression);
  if (inner.kind === 'attribute') return inner.name === 'content' && isName(inner.object, messages);
  if (inner.kind !== 'subscript' || !isName(inner.object, messages) || inner.index.kind !== 'literal') return false;
  const { literal } = inner.index;
  return literal.type === 'string' && literal.value === 'content';
};

const nameOf = (target: ForStatement['target']): string => {
  if (target.kind !== 'name') throw new NotAName();
  return target.name;
};

/** `messages` and every variable set to it, directly or through others. */
const messageLists = (assignments: Parts['assignments']): ReadonlySet<string> => {
  const names = new Set(['messages']);
  for (const name of names) {
    for (const { target, value } of assignments) if (readsName(value, new Set([name]))) names.add(nameOf(target));
  }
  return names;
};

const loopVariables = (loops: Parts['loops'], lists: ReadonlySet<string>): ReadonlySet<string> =>
  new Set(loops.filter(({ iterable }) => readsName(iterable, lists)).map(({ target }) => nameOf(target)));

/** Parameters of a macro that some call fills with a message's content. */
const contentParameters = (
  macro: MacroStatement,
  calls: Parts['calls'],
  messages: ReadonlySet<string>,
): ReadonlySet<string> => {
  const names = macro.parameters.map(({ name }) => name);
  const filled = new Set<string>();
  const fill = (name: string | undefined, value: Expression) => {
    if (name !== undefined && names.includes(name) && readsContent(value, messages)) filled.add(name);
  };
  const fillFrom = ({ positional, keywords }: Arguments) => {
    for (const [position, value] of positional.entries()) fill(names[position], value);
    for (const { name, value } of keywords) fill(name, value);
  };
  for (const { callee, args } of calls) if (isName(callee, new Set([macro.name]))) fillFrom(args);
  return filled;
};

const loopsOverContent = (statements: readonly Statement[]): boolean => {
  const { assignments, loops, macros, calls } = partsOf(statements);
  const messages = loopVariables(loops, messageLists(assignments));
  const parametersOfLoop = new Map<ForStatement, ReadonlySet<string>>();
  for (const macro of macros) {
    const filled = contentParameters(macro, calls, messages);
    for (const loop of partsOf(macro.body).loops) {
      if (filled.size > 0 || !parametersOfLoop.has(loop)) parametersOfLoop.set(loop, filled);
    }
  }
  const found = loops.find((loop) => {
    if (readsContent(loop.iterable, messages)) return true;
    const names = parametersOfLoop.get(loop) ?? new Set(['content']);
    return isName(loop.iterable, names);
  });
  return found !== undefined && nameOf(found.target) !== '';
};

/**
 * What vLLM (0.32, `renderers/hf.py`, `_detect_content_format`) detects from a template: `openai` where a loop runs over a
 * message's content, a macro parameter that gets it, or, outside of macros, a variable named `content`.
 */
export const detectContentFormat = (statements: readonly Statement[]): ContentFormat => {
  try {
    return loopsOverContent(statements) ? 'openai' : 'string';
  } catch (failure) {
    if (failure instanceof NotAName) return 'string';
    throw failure;
  }
};
