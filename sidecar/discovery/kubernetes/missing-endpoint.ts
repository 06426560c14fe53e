import type { Finding } from '../finding.ts';
import type { DiscoveredEndpoint } from '../port.ts';
import type { ClusterView } from './cluster-view.ts';
import type { InferencePoolObject, ServiceObject } from './objects.ts';
import { isSelected } from './pod-placements.ts';

const selectorText = (selector: Readonly<Record<string, string>>): string =>
  Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

interface Explanation {
  readonly problem: string;
  readonly mend: string;
}

const explainNone = (owner: ServiceObject | InferencePoolObject, view: ClusterView): Explanation => {
  const { namespace } = owner.meta;
  const selector = selectorText(owner.selector);
  const get = `kubectl -n ${namespace} get pods -l ${selector}`;
  if (selector === '') return { problem: 'it has no selector', mend: 'give it the labels of the engines’ Pods' };
  const selected = view.podsIn(namespace).filter((pod) => isSelected(pod, owner.selector));
  if (selected.length === 0) {
    return { problem: `no Pod matches its selector ${selector}`, mend: `correct the selector or the labels (${get})` };
  }
  if (owner.kind === 'Service' && view.slicesOf(owner).some(({ endpoints }) => endpoints.length > 0)) {
    return {
      problem: 'its EndpointSlices do not have the port that serves the API',
      mend: 'name a port that the Pods have in warmroute.dev/port',
    };
  }
  return { problem: `${selected.length} Pods match, none has an address yet`, mend: `see why: ${get}` };
};

/** Says why an annotated object has no endpoint that takes requests; null where it has one. */
export const findMissingEndpoint = (
  owner: ServiceObject | InferencePoolObject,
  options: { readonly endpoints: readonly DiscoveredEndpoint[]; readonly view: ClusterView },
): Finding | null => {
  const { endpoints, view } = options;
  if (endpoints.some(({ isTerminating }) => !isTerminating)) return null;
  const { namespace, name } = owner.meta;
  const subject = `${owner.kind} ${namespace}/${name}`;
  const explained: Explanation =
    endpoints.length === 0
      ? explainNone(owner, view)
      : {
          problem: `${endpoints.length} endpoints, none is ready`,
          mend: `see why: kubectl -n ${namespace} get pods -l ${selectorText(owner.selector)}`,
        };
  return { code: 'no-ready-endpoint', subject, ...explained };
};
