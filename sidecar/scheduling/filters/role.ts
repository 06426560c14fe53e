import type { ParameterReader } from '../parameters.ts';
import type { Filter } from '../types.ts';

/**
 * `role-filter`: keeps endpoints that take part in one phase, where prefill and decode are separated: those of the role
 * named by the parameter `role` (`prefill` or `decode`, required) and those that do both.
 */
export const createRoleFilter = (parameters: ParameterReader): Filter => {
  const wanted = parameters.choice('role', ['prefill', 'decode'], { isRequired: true });
  return {
    type: 'role-filter',
    filter: (_request, candidates) => candidates.filter(({ endpoint: { role } }) => role === 'both' || role === wanted),
  };
};
