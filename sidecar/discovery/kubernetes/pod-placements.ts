import { poolName } from '../../core/index.ts';
import type { PoolAnnotations } from './annotations.ts';
import type { InferencePoolObject, PodObject } from './objects.ts';
import { type Placement, placeAddress } from './placement.ts';

/** Whether a namespace's Pod has every label of a selector; an empty selector selects none. */
export const isSelected = (pod: PodObject, selector: Readonly<Record<string, string>>): boolean => {
  let hasLabels = false;
  for (const key in selector) {
    if (pod.meta.labels[key] !== selector[key]) return false;
    hasLabels = true;
  }
  return hasLabels;
};

/** Places one Pod of an InferencePool: one address a target port, each a rank of its own where there are several. */
export const placePod = (
  pod: PodObject,
  options: { readonly inferencePool: InferencePoolObject; readonly annotations: PoolAnnotations },
): readonly Placement[] => {
  const { inferencePool, annotations } = options;
  const { targetPorts } = inferencePool;
  const [ip] = pod.addresses;
  if (ip === undefined || pod.isFinished) return [];
  const pool = poolName(annotations.pool);
  const takesRequests = pod.isReady && !pod.isTerminating;
  const { name: podName, uid: podUid } = pod.meta;
  return targetPorts.map((port, position) => {
    const portRank = targetPorts.length > 1 ? position : null;
    return placeAddress({ ip, port, podName, podUid, pod, takesRequests, portRank }, { pool, annotations });
  });
};
