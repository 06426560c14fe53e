import type { Expression } from '../syntax/ast.ts';

/** Filters that give a plain str. */
const plainTextFilters = new Set(['join', 'replace', 'title', 'tojson']);

/** Filters that give a str, marked where their input was. */
const textFilters = new Set(['capitalize', 'center', 'format', 'indent', 'lower', 'string', 'trim', 'upper']);

/** What an expression always evaluates to, unless evaluating it fails. `string`: a str that may be marked as HTML-safe. */
export type StaticType = 'text' | 'string' | 'boolean' | 'unknown';

/** Whether a value of this type is a str. */
export const isStringType = (type: StaticType): boolean => type === 'text' || type === 'string';

/** Tells static types; `hasMarkup`: whether the template has filters that mark strings as HTML-safe. */
export const staticTypeOf = (expression: Expression, hasMarkup: boolean): StaticType => {
  const perhapsMarked: StaticType = hasMarkup ? 'string' : 'text';
  switch (expression.kind) {
    case 'literal':
      if (expression.literal.type === 'string') return 'text';
      return expression.literal.type === 'boolean' ? 'boolean' : 'unknown';
    case 'concat':
      return 'text';
    case 'not':
    case 'test':
    case 'compare':
      return 'boolean';
    case 'filter':
      if (plainTextFilters.has(expression.name)) return 'text';
      return textFilters.has(expression.name) ? perhapsMarked : 'unknown';
    case 'binary': {
      const { operator, left, right } = expression;
      const isText = [left, right].some((operand) => isStringType(staticTypeOf(operand, hasMarkup)));
      return operator === '+' && isText ? perhapsMarked : 'unknown';
    }
    default:
      return 'unknown';
  }
};
