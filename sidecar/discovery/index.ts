/**
 * discovery: finds pools and their endpoints and hands them on whole.
 * Written to by nobody.
 * Read by `app`, which fills `pool`.
 * Each notice holds every pool; the first comes before `start` resolves.
 * Sources: the configuration's static list, Kubernetes (EndpointSlices, annotations, InferencePools).
 */

export { type Dial, dialTcp, findClosedEventPorts } from './event-ports.ts';
export { describeFinding, type Finding, type FindingCode } from './finding.ts';
export type { ApiQuery, KubernetesApi, ListPage, WatchEvent, WatchHandlers } from './kubernetes/api.ts';
export { createKubernetesApi } from './kubernetes/client.ts';
export { createKubernetesDiscovery, type KubernetesDiscoveryOptions } from './kubernetes/kubernetes-discovery.ts';
export type { DiscoveredEndpoint, DiscoveredPool, Discovery, PoolDefinition } from './port.ts';
export { createStaticDiscovery, type StaticDiscovery } from './static.ts';
export type { StaticEndpointOptions, StaticPoolOptions } from './static-options.ts';
