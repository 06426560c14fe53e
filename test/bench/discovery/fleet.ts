import { pod, type StoredObject, service, slice } from '../../support/fake-kubernetes-objects.ts';

/** Objects of one Service whose endpoints lie in several slices, each endpoint with its Pod. */
export interface Fleet {
  readonly service: StoredObject;
  readonly slices: readonly StoredObject[];
  readonly pods: readonly StoredObject[];
  /** The slice at a position (modulo their number) after change number `change`: one endpoint's readiness differs. */
  changed(change: number): StoredObject;
}

const podName = (sliceIndex: number, position: number): string => `qwen-${sliceIndex}-${position}`;
const addressOf = (sliceIndex: number, position: number): string => `10.1.${sliceIndex}.${position + 1}`;

/** Builds a fleet. */
export const buildFleet = (size: { readonly slices: number; readonly endpointsPerSlice: number }): Fleet => {
  const positions = Array.from({ length: size.endpointsPerSlice }, (_, position) => position);
  const sliceIndexes = Array.from({ length: size.slices }, (_, index) => index);
  const sliceAt = (index: number, unready: number | null): StoredObject =>
    slice(`qwen-${index}`, {
      service: 'qwen',
      endpoints: positions.map((position) => ({
        ip: addressOf(index, position),
        pod: podName(index, position),
        ready: position !== unready,
      })),
    });
  return {
    service: service('qwen'),
    slices: sliceIndexes.map((index) => sliceAt(index, null)),
    pods: sliceIndexes.flatMap((index) =>
      positions.map((position) => pod(podName(index, position), { ip: addressOf(index, position) })),
    ),
    changed: (change) => {
      const round = Math.floor(change / size.slices);
      return sliceAt(change % size.slices, round % size.endpointsPerSlice);
    },
  };
};
