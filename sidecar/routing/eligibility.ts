import type { EndpointState } from '../pool/index.ts';
import type { RouteRequest } from './types.ts';

const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':'));

/** Whether a subset hint names an address: `ip:port` exactly, or a bare `ip` for all its ports. */
export const isInSubset = (address: string, subset: readonly string[]): boolean =>
  subset.some((hint) => hint === address || hint === hostOf(address) || `[${hint}]` === hostOf(address));

/**
 * Endpoints a request may be sent to: taking new requests, awake, not failing, not excluded, inside the subset hint, and
 * serving the LoRA adapter where one is asked for (where none reports it, any: engines may load adapters on demand).
 */
export const eligibleEndpoints = (
  endpoints: readonly EndpointState[],
  request: Pick<RouteRequest, 'subset' | 'excluded'>,
  loraName: string | null,
): readonly EndpointState[] => {
  const isAllowed = ({ endpoint, isTerminating, health, load }: EndpointState): boolean =>
    !isTerminating &&
    !(load?.isAsleep ?? false) &&
    health !== 'failing' &&
    !(request.excluded?.has(endpoint.id) ?? false) &&
    (request.subset === null || isInSubset(endpoint.address, request.subset));
  // Mostly all of them.
  const allowed = endpoints.every(isAllowed) ? endpoints : endpoints.filter(isAllowed);
  if (loraName === null) return allowed;
  const serving = allowed.filter(({ models }) => models?.some(({ id }) => id === loraName) ?? false);
  return serving.length > 0 ? serving : allowed;
};
