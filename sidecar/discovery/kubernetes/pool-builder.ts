import type { Finding } from '../finding.ts';
import type { DiscoveredPool } from '../port.ts';
import { type Annotated, isAnnotated, type PoolAnnotations, parsePoolAnnotations } from './annotations.ts';
import { type ClusterState, type ClusterView, createClusterViews } from './cluster-view.ts';
import { joinPools } from './join-pools.ts';
import { findMissingEndpoint } from './missing-endpoint.ts';
import type { EndpointSliceObject, InferencePoolObject, PodObject, ServiceObject } from './objects.ts';
import { definitionOf, type OwnedPool, type PoolOwner } from './owned-pool.ts';
import { mergePlacements, type Placement } from './placement.ts';
import { isSelected, placePod } from './pod-placements.ts';
import { hasPort, placeSlice } from './service-placements.ts';

/** An annotated object with what is wrong with it. */
export interface AnnotatedObject {
  readonly owner: PoolOwner;
  readonly mistakes: readonly string[];
  /** Why none of its endpoints takes requests, null where one does. */
  readonly finding: Finding | null;
}

/** What annotations make of a cluster's state. */
export interface BuiltPools {
  readonly pools: readonly DiscoveredPool[];
  /** Every Service and InferencePool that carries an annotation of ours, also those that make no pool by a mistake. */
  readonly objects: readonly AnnotatedObject[];
}

type Owner = ServiceObject | InferencePoolObject;

interface KnownOwner {
  readonly annotated: Annotated<PoolAnnotations>;
  readonly definition: OwnedPool['definition'];
  /** Placements of slices and Pods as they were last, each with the Pods they were made of. */
  readonly placed: WeakMap<EndpointSliceObject | PodObject, Placed>;
}

interface Placed {
  readonly pods: readonly (PodObject | null)[];
  readonly placements: readonly Placement[];
}

const isSameList = <Item>(a: readonly Item[], b: readonly Item[]): boolean =>
  a.length === b.length && a.every((item, position) => item === b[position]);

const ownerOf = (owner: Owner): PoolOwner => ({
  kind: owner.kind,
  apiVersion: owner.kind === 'Service' ? 'v1' : owner.apiVersion,
  meta: owner.meta,
});

const missingPool = 'warmroute.dev/pool: it is missing, so the other annotations say nothing';

/**
 * Creates a builder of pools from successive states of a cluster: annotated Services with their EndpointSlices,
 * InferencePools with their Pods. Does no I/O. What was derived from unchanged objects is used again, so that a change
 * costs its own slice and a walk over the endpoints; an unchanged endpoint is the same object as before. An
 * InferencePool without annotations is a pool under its own name where `takesEveryInferencePool` says so.
 */
export const createPoolBuilder = (options: {
  readonly takesEveryInferencePool: boolean;
}): ((state: ClusterState) => BuiltPools) => {
  const viewOf = createClusterViews();
  const owners = new WeakMap<Owner, KnownOwner>();

  const annotationsOf = (owner: Owner): Annotated<PoolAnnotations> | null => {
    if (owner.kind === 'InferencePool')
      return parsePoolAnnotations(owner.meta, options.takesEveryInferencePool ? { defaultPool: owner.meta.name } : {});
    const annotated = parsePoolAnnotations(owner.meta);
    if (annotated === null || hasPort(owner, annotated.values.port)) return annotated;
    const { port } = annotated.values;
    const mistake =
      port === null
        ? 'warmroute.dev/port: the Service has no port; name the one that the Pods serve the API at'
        : `warmroute.dev/port: the Service has no port named "${port}"`;
    return { values: { ...annotated.values, port: null }, mistakes: [...annotated.mistakes, mistake] };
  };

  const know = (owner: Owner): KnownOwner | null => {
    const known = owners.get(owner);
    if (known !== undefined) return known;
    const annotated = annotationsOf(owner);
    if (annotated === null) return null;
    const next = { annotated, definition: definitionOf(annotated.values), placed: new WeakMap() };
    owners.set(owner, next);
    return next;
  };

  /** Placements of a member, made anew only where it or a Pod it depends on is another object than last time. */
  const place = <Member extends EndpointSliceObject | PodObject>(
    member: Member,
    known: KnownOwner,
    from: { readonly pods: readonly (PodObject | null)[]; readonly make: () => readonly Placement[] },
  ): readonly Placement[] => {
    const before = known.placed.get(member);
    if (before !== undefined && isSameList(before.pods, from.pods)) return before.placements;
    const placements = from.make();
    known.placed.set(member, { pods: from.pods, placements });
    return placements;
  };

  const placementsOfService = (service: ServiceObject, known: KnownOwner, view: ClusterView): readonly Placement[] =>
    view.slicesOf(service).flatMap((slice) => {
      const pods = slice.endpoints.map(({ podUid }) => (podUid === null ? null : (view.podByUid(podUid) ?? null)));
      const annotations = known.annotated.values;
      return place(slice, known, { pods, make: () => placeSlice(slice, { service, annotations, pods }) });
    });

  const placementsOfInferencePool = (
    inferencePool: InferencePoolObject,
    known: KnownOwner,
    view: ClusterView,
  ): readonly Placement[] =>
    view
      .podsIn(inferencePool.meta.namespace)
      .filter((pod) => isSelected(pod, inferencePool.selector))
      .flatMap((pod) => {
        const annotations = known.annotated.values;
        return place(pod, known, { pods: [], make: () => placePod(pod, { inferencePool, annotations }) });
      });

  const ownedPool = (owner: Owner, known: KnownOwner, view: ClusterView): OwnedPool => {
    const placements =
      owner.kind === 'Service'
        ? placementsOfService(owner, known, view)
        : placementsOfInferencePool(owner, known, view);
    const endpoints = mergePlacements(placements);
    const mistakes = [...known.annotated.mistakes, ...placements.flatMap((placement) => placement.mistakes)];
    const finding = findMissingEndpoint(owner, { endpoints, view });
    return { owner: ownerOf(owner), definition: known.definition, endpoints, mistakes, finding };
  };

  return (state) => {
    const view = viewOf(state);
    const owned: OwnedPool[] = [];
    const strays: AnnotatedObject[] = [];
    for (const owner of [...state.services, ...state.inferencePools]) {
      const known = know(owner);
      if (known !== null) owned.push(ownedPool(owner, known, view));
      else if (isAnnotated(owner.meta)) strays.push({ owner: ownerOf(owner), mistakes: [missingPool], finding: null });
    }
    const { pools, mistakes } = joinPools(owned);
    const objects = owned.map((each): AnnotatedObject => {
      const joining = mistakes.get(each);
      return { ...each, mistakes: joining === undefined ? each.mistakes : [...each.mistakes, joining] };
    });
    return { pools, objects: [...objects, ...strays] };
  };
};
