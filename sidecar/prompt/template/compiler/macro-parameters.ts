import type { MacroShape } from '../runtime/macro.ts';
import type { Parameter, Statement } from '../syntax/ast.ts';
import { TemplateSyntaxError } from '../syntax/errors.ts';
import { namesReadUnassigned } from '../syntax/walk.ts';

/** Names that a macro body may read without declaring them, in the order in which a macro passes them on. */
const specialNames = ['caller', 'kwargs', 'varargs'] as const;

/** Whether a body reads one of the names that only a macro gives. */
export const readsSpecialNames = (body: readonly Statement[]): boolean =>
  namesReadUnassigned(body, specialNames).size > 0;

/** Shape of a macro, and the special names that become parameters after the declared ones. */
export const analyzeMacro = (
  name: string | null,
  parameters: readonly Parameter[],
  body: readonly Statement[],
): { readonly shape: MacroShape; readonly extras: readonly string[] } => {
  const used = namesReadUnassigned(body, specialNames);
  const explicit = parameters.find((parameter) => parameter.name === 'caller');
  if (used.has('caller') && explicit !== undefined && explicit.defaultValue === null) {
    throw new TemplateSyntaxError('an explicit caller parameter needs a default');
  }
  const names = parameters.map((parameter) => parameter.name);
  const extras = specialNames.filter((special) => used.has(special) && !names.includes(special));
  const shape = {
    name,
    parameters: names,
    usesCaller: used.has('caller'),
    usesKeywords: extras.includes('kwargs'),
    usesVarargs: extras.includes('varargs'),
  };
  return { shape, extras };
};
