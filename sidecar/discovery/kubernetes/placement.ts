import { type Endpoint, endpointId, type PoolName } from '../../core/index.ts';
import type { DiscoveredEndpoint } from '../port.ts';
import { type PoolAnnotations, parsePodAnnotations } from './annotations.ts';
import type { PodObject } from './objects.ts';

/** One serving address, before data-parallel ranks are laid out. */
export interface ServingAddress {
  readonly ip: string;
  readonly port: number;
  readonly podName: string | null;
  readonly podUid: string | null;
  /** The Pod behind it, null where it is not known (yet). */
  readonly pod: PodObject | null;
  readonly takesRequests: boolean;
  /** Rank given by position (a target port of an InferencePool), else null. */
  readonly portRank: number | null;
}

/** The endpoints of one serving address. */
export interface Placement {
  /** Equal for the addresses of one Pod and port: of several only one counts. */
  readonly key: string;
  readonly takesRequests: boolean;
  readonly endpoints: readonly DiscoveredEndpoint[];
  /** Mistakes in the Pod's annotations. */
  readonly mistakes: readonly string[];
}

const LAST_PORT = 65_535;

const hostOf = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip);

/** A Pod seen in a slice before its own object is taken to have had no restart, so that seeing it changes nothing. */
const incarnationOf = ({ podUid, pod }: ServingAddress): string | null =>
  podUid === null ? null : `${podUid}/${pod?.restarts ?? 0}`;

/** Lays out one endpoint a data-parallel rank; event and replay ports grow with the rank. */
export const placeAddress = (
  address: ServingAddress,
  options: { readonly pool: PoolName; readonly annotations: PoolAnnotations },
): Placement => {
  const { pool, annotations } = options;
  const { pod, podName, portRank, takesRequests } = address;
  const annotated = pod === null ? null : parsePodAnnotations(pod.meta, { poolPort: annotations.port });
  const overrides = annotated?.values;
  const host = hostOf(address.ip);
  const ownPort = portRank === null ? (overrides?.port ?? null) : null;
  const served = `${host}:${ownPort ?? address.port}`;
  // Each of several target ports is one rank already.
  const ranks = portRank === null ? annotations.dataParallelSize : 1;
  const firstRank = (overrides?.rank ?? 0) + (portRank ?? 0);
  const eventsPort = overrides?.eventsPort ?? annotations.eventsPort;
  const replayPort = overrides?.replayPort ?? annotations.replayPort;
  const incarnation = incarnationOf(address);
  const hasRanks = ranks > 1;
  const eventsAt = (port: number | null): string | null =>
    port === null || port > LAST_PORT ? null : `tcp://${host}:${port}`;
  const endpoints = Array.from({ length: ranks }, (_, position): DiscoveredEndpoint => {
    const rank = firstRank + position;
    const endpoint: Endpoint = {
      id: endpointId(`${pool}/${served}${hasRanks ? `#${rank}` : ''}`),
      name: `${podName ?? served}${hasRanks || portRank !== null ? `#${rank}` : ''}`,
      pool,
      address: served,
      rank,
      hasRanks,
      role: overrides?.role ?? 'both',
      engine: annotations.engine,
      eventsAddress: eventsAt(eventsPort + rank),
      replayAddress: eventsAt(replayPort === null ? null : replayPort + rank),
      metricsUrl: `http://${served}/metrics`,
    };
    return { endpoint, isTerminating: !takesRequests, incarnation };
  });
  const mistakes = (annotated?.mistakes ?? []).map((mistake) => `pod ${podName}: ${mistake}`);
  if (Math.max(eventsPort, replayPort ?? 0) + firstRank + ranks - 1 > LAST_PORT)
    mistakes.push(`pod ${podName}: events-port or replay-port, with the rank added, is beyond ${LAST_PORT}`);
  if (portRank !== null && typeof overrides?.port === 'number')
    mistakes.push(`pod ${podName}: warmroute.dev/port: not possible where the InferencePool has several target ports`);
  return { key: `${address.podUid ?? address.ip} ${portRank ?? ''}`, takesRequests, endpoints, mistakes };
};

/**
 * The endpoints of all placements, each id once. Of two placements of one key the first counts, unless only the second
 * takes requests: a Pod that moves between slices stands in both for a moment. The same goes for ids, which two Pods
 * share while one follows the other at the same address.
 */
export const mergePlacements = (placements: Iterable<Placement>): readonly DiscoveredEndpoint[] => {
  const byKey = new Map<string, Placement>();
  for (const placement of placements) {
    const other = byKey.get(placement.key);
    if (other === undefined || (!other.takesRequests && placement.takesRequests)) byKey.set(placement.key, placement);
  }
  const byId = new Map<string, DiscoveredEndpoint>();
  for (const { endpoints } of byKey.values()) {
    for (const discovered of endpoints) {
      const other = byId.get(discovered.endpoint.id);
      if (other === undefined || (other.isTerminating && !discovered.isTerminating))
        byId.set(discovered.endpoint.id, discovered);
    }
  }
  return [...byId.values()];
};
