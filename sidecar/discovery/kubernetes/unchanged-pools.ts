import { isDeepStrictEqual } from 'node:util';
import type { DiscoveredPool } from '../port.ts';

const isSamePool = (a: DiscoveredPool, b: DiscoveredPool): boolean =>
  isDeepStrictEqual(a.definition, b.definition) &&
  isDeepStrictEqual(a.mistakes, b.mistakes) &&
  a.endpoints.length === b.endpoints.length &&
  a.endpoints.every((each, position) => each === b.endpoints[position]);

/**
 * The next pools, those that are as before by the same objects as before; `before` itself where nothing differs. Endpoints
 * are compared by identity.
 */
export const keepUnchanged = (
  before: readonly DiscoveredPool[],
  next: readonly DiscoveredPool[],
): readonly DiscoveredPool[] => {
  const byName = new Map(before.map((pool) => [pool.definition.name, pool]));
  const kept = next.map((pool) => {
    const known = byName.get(pool.definition.name);
    return known !== undefined && isSamePool(known, pool) ? known : pool;
  });
  const isSame = kept.length === before.length && kept.every((pool, position) => pool === before[position]);
  return isSame ? before : kept;
};
