import { poolName } from '../../core/index.ts';
import type { PoolAnnotations } from './annotations.ts';
import type { EndpointSliceObject, PodObject, ServiceObject } from './objects.ts';
import { type Placement, placeAddress } from './placement.ts';

/** Whether an annotated port can be found: any number can, a name must be one of the Service's. */
export const hasPort = (service: ServiceObject, port: string | null): boolean =>
  port === null ? service.ports.length > 0 : /^\d+$/.test(port) || service.ports.some(({ name }) => name === port);

/**
 * The slice's port behind the Service's: by the annotated name, by the Service's port number, else that number itself as
 * the Pods' port. Null where the slice's endpoints do not have it.
 */
const servingPort = (service: ServiceObject, slice: EndpointSliceObject, wanted: string | null): number | null => {
  const asNumber = wanted !== null && /^\d+$/.test(wanted) ? Number(wanted) : null;
  const servicePort =
    wanted === null
      ? service.ports[0]
      : service.ports.find(({ name, port }) => (asNumber === null ? name === wanted : port === asNumber));
  if (servicePort === undefined) return asNumber;
  return slice.ports.find(({ name }) => name === servicePort.name)?.port ?? null;
};

/** Places the endpoints of one slice of an annotated Service. */
export const placeSlice = (
  slice: EndpointSliceObject,
  options: {
    readonly service: ServiceObject;
    readonly annotations: PoolAnnotations;
    /** Pods behind the slice's endpoints, by position. */
    readonly pods: readonly (PodObject | null)[];
  },
): readonly Placement[] => {
  const { service, annotations, pods } = options;
  const port = servingPort(service, slice, annotations.port);
  if (port === null) return [];
  const pool = poolName(annotations.pool);
  return slice.endpoints.flatMap(({ addresses, isReady, isTerminating, podName, podUid }, position) => {
    const [ip] = addresses;
    if (ip === undefined) return [];
    const takesRequests = isReady && !isTerminating;
    const pod = pods[position] ?? null;
    return [placeAddress({ ip, port, podName, podUid, pod, takesRequests, portRank: null }, { pool, annotations })];
  });
};
