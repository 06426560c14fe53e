import { isDeepStrictEqual } from 'node:util';
import type { DiscoveredEndpoint, DiscoveredPool } from '../port.ts';
import { type OwnedPool, ownerText } from './owned-pool.ts';

/** The oldest object defines a pool, so that nobody takes over a name by writing an annotation later. */
const byAge = ({ owner: a }: OwnedPool, { owner: b }: OwnedPool): number => {
  if (a.meta.createdAt !== b.meta.createdAt) return a.meta.createdAt < b.meta.createdAt ? -1 : 1;
  return ownerText(a) < ownerText(b) ? -1 : 1;
};

const mergeEndpoints = (parts: readonly OwnedPool[]): readonly DiscoveredEndpoint[] => {
  const byId = new Map<string, DiscoveredEndpoint>();
  for (const { endpoints } of parts) {
    for (const discovered of endpoints) {
      if (!byId.has(discovered.endpoint.id)) byId.set(discovered.endpoint.id, discovered);
    }
  }
  return [...byId.values()];
};

/** Pools by name, and what the joining found wrong, by the object that has to be changed. */
export interface JoinedPools {
  readonly pools: readonly DiscoveredPool[];
  readonly mistakes: ReadonlyMap<OwnedPool, string>;
}

/**
 * Joins objects of one namespace that name the same pool; the oldest one's definition counts. An object of another
 * namespace does not join: whoever may annotate a Service there could draw this pool's requests to it.
 */
export const joinPools = (owned: readonly OwnedPool[]): JoinedPools => {
  const mistakes = new Map<OwnedPool, string>();
  const byName = new Map<string, OwnedPool[]>();
  for (const next of [...owned].sort(byAge)) {
    const { name } = next.definition;
    const parts = byName.get(name);
    const first = parts?.[0];
    if (parts === undefined || first === undefined) {
      byName.set(name, [next]);
    } else if (first.owner.meta.namespace !== next.owner.meta.namespace) {
      mistakes.set(
        next,
        `warmroute.dev/pool: "${name}" belongs to ${ownerText(first.owner)} already; choose another name`,
      );
    } else {
      parts.push(next);
      if (!isDeepStrictEqual(first.definition, next.definition))
        mistakes.set(
          next,
          `it defines pool "${name}" differently from ${ownerText(first.owner)}, whose definition counts`,
        );
    }
  }
  const pools = [...byName.values()].flatMap((parts): readonly DiscoveredPool[] => {
    const [first, ...rest] = parts;
    if (first === undefined) return [];
    const wrong = parts.flatMap((part) => [
      ...part.mistakes,
      ...(mistakes.has(part) ? [mistakes.get(part) ?? ''] : []),
    ]);
    const endpoints = rest.length === 0 ? first.endpoints : mergeEndpoints(parts);
    return [{ definition: first.definition, endpoints, mistakes: wrong }];
  });
  return { pools, mistakes };
};
