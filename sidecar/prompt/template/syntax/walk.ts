import type { Arguments, Expression, FilterExpression, Parameter, Statement, Target } from './ast.ts';

/** The operands of an expression, in jinja2's order. */
const childrenOf = (expression: Expression): readonly Expression[] => {
  switch (expression.kind) {
    case 'literal':
    case 'name':
      return [];
    case 'tuple':
    case 'list':
      return expression.items;
    case 'dict':
      return expression.entries.flatMap(({ key, value }) => [key, value]);
    case 'attribute':
      return [expression.object];
    case 'subscript':
      return [expression.object, expression.index];
    case 'slice': {
      const { start, stop, step } = expression.bounds;
      return [expression.object, start, stop, step].filter((part) => part !== null);
    }
    case 'call':
      return [expression.callee, ...argumentValues(expression.args)];
    case 'filter':
      return [...(expression.operand === null ? [] : [expression.operand]), ...argumentValues(expression.args)];
    case 'test':
      return [expression.operand, ...argumentValues(expression.args)];
    case 'not':
    case 'sign':
      return [expression.operand];
    case 'binary':
    case 'logical':
      return [expression.left, expression.right];
    case 'concat':
      return expression.operands;
    case 'compare':
      return [expression.first, ...expression.rest.map(({ operand }) => operand)];
    case 'conditional': {
      const { test, whenTrue, whenFalse } = expression;
      return whenFalse === null ? [test, whenTrue] : [test, whenTrue, whenFalse];
    }
  }
};

const argumentValues = ({ positional, keywords, spread, keywordSpread }: Arguments): readonly Expression[] => [
  ...positional,
  ...keywords.map(({ value }) => value),
  ...(spread === null ? [] : [spread]),
  ...(keywordSpread === null ? [] : [keywordSpread]),
];

/** What a walk reports. Each part is optional; parents come before their children. */
export interface Visitor {
  statement?(statement: Statement): void;
  expression?(expression: Expression): void;
  /** A name that is assigned: targets, parameters, but not a macro's own name. */
  store?(name: string): void;
}

const walkTarget = (target: Target, visitor: Visitor): void => {
  if (target.kind === 'name') visitor.store?.(target.name);
  else if (target.kind === 'tuple') for (const item of target.items) walkTarget(item, visitor);
};

const walkParameters = (parameters: readonly Parameter[], visitor: Visitor): void => {
  for (const { name } of parameters) visitor.store?.(name);
  for (const { defaultValue } of parameters) if (defaultValue !== null) walkExpression(defaultValue, visitor);
};

const walkFilter = (filter: FilterExpression | null, visitor: Visitor): void => {
  if (filter !== null) walkExpression(filter, visitor);
};

/** Visits an expression and all below it. */
export const walkExpression = (expression: Expression, visitor: Visitor): void => {
  visitor.expression?.(expression);
  for (const child of childrenOf(expression)) walkExpression(child, visitor);
};

const walkStatement = (statement: Statement, visitor: Visitor): void => {
  visitor.statement?.(statement);
  switch (statement.kind) {
    case 'text':
    case 'break':
    case 'continue':
      return;
    case 'print':
      walkExpression(statement.value, visitor);
      return;
    case 'if':
      for (const { test, body } of statement.branches) {
        walkExpression(test, visitor);
        walkStatements(body, visitor);
      }
      walkStatements(statement.otherwise, visitor);
      return;
    case 'for':
      walkTarget(statement.target, visitor);
      walkExpression(statement.iterable, visitor);
      walkStatements(statement.body, visitor);
      walkStatements(statement.otherwise, visitor);
      if (statement.test !== null) walkExpression(statement.test, visitor);
      return;
    case 'set':
      walkTarget(statement.target, visitor);
      walkExpression(statement.value, visitor);
      return;
    case 'set-block':
      walkTarget(statement.target, visitor);
      walkFilter(statement.filter, visitor);
      walkStatements(statement.body, visitor);
      return;
    case 'macro':
      walkParameters(statement.parameters, visitor);
      walkStatements(statement.body, visitor);
      return;
    case 'call-block':
      walkExpression(statement.call, visitor);
      walkParameters(statement.parameters, visitor);
      walkStatements(statement.body, visitor);
      return;
    case 'filter-block':
      walkStatements(statement.body, visitor);
      walkFilter(statement.filter, visitor);
      return;
    case 'with':
      for (const { target } of statement.bindings) walkTarget(target, visitor);
      for (const { value } of statement.bindings) walkExpression(value, visitor);
      walkStatements(statement.body, visitor);
      return;
    case 'generation':
      walkStatements(statement.body, visitor);
      return;
  }
};

/** Visits statements and all below them, in the order in which jinja2 visits the fields of its nodes. */
export const walkStatements = (statements: readonly Statement[], visitor: Visitor): void => {
  for (const statement of statements) walkStatement(statement, visitor);
};

/**
 * Which of `names` are read before anything in the statements assigns them, nested scopes included: how jinja2 tells
 * whether a body uses `loop`, `caller`, `kwargs` or `varargs`.
 */
export const namesReadUnassigned = (
  statements: readonly Statement[],
  names: readonly string[],
): ReadonlySet<string> => {
  const remaining = new Set(names);
  const found = new Set<string>();
  walkStatements(statements, {
    expression(expression) {
      if (expression.kind === 'name' && remaining.has(expression.name)) found.add(expression.name);
    },
    store(name) {
      remaining.delete(name);
    },
  });
  return found;
};
