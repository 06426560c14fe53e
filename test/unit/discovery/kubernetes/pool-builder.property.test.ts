import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ClusterState } from '../../../../sidecar/discovery/kubernetes/cluster-view.ts';
import {
  inferencePoolReader,
  readEndpointSlice,
  readPod,
  readService,
} from '../../../../sidecar/discovery/kubernetes/objects.ts';
import { createPoolBuilder } from '../../../../sidecar/discovery/kubernetes/pool-builder.ts';
import { pod, service, slice } from '../../../support/fake-kubernetes-objects.ts';

const podNames = ['a', 'b', 'c', 'd'];
const serviceNames = ['one', 'two'];
const ipOf = (name: string) => `10.0.0.${podNames.indexOf(name) + 1}`;

const anyService = fc.record({
  name: fc.constantFrom(...serviceNames),
  annotations: fc.constantFrom(
    { pool: 'p' },
    { pool: 'q', engine: 'sglang' },
    { pool: 'p', 'data-parallel-size': '2' },
    {
      port: '80',
    },
  ),
});
const anyEndpoint = fc.record({
  pod: fc.constantFrom(...podNames),
  ready: fc.boolean(),
  terminating: fc.boolean(),
});
const anySlice = fc.record({
  name: fc.constantFrom('s1', 's2', 's3'),
  service: fc.constantFrom(...serviceNames),
  endpoints: fc.uniqueArray(anyEndpoint, { selector: (endpoint) => endpoint.pod }),
});
const anyPod = fc.record({
  name: fc.constantFrom(...podNames),
  ready: fc.boolean(),
  restarts: fc.nat(2),
  annotations: fc.constantFrom({}, { 'events-port': '7000' }, { role: 'chef' }),
});
/** One step: an object is put or taken away. */
const anyChange = fc.oneof(
  fc.record({ kind: fc.constant('services' as const), value: anyService, isGone: fc.boolean() }),
  fc.record({ kind: fc.constant('slices' as const), value: anySlice, isGone: fc.boolean() }),
  fc.record({ kind: fc.constant('pods' as const), value: anyPod, isGone: fc.boolean() }),
);

const inferencePool = inferencePoolReader('inference.networking.k8s.io/v1')({
  metadata: { name: 'infer', namespace: 'llm', uid: 'pool', annotations: { 'warmroute.dev/pool': 'infer' } },
  spec: { selector: { matchLabels: { app: 'qwen' } }, targetPorts: [{ number: 9000 }] },
});

describe('pool builder', () => {
  it('gives after any changes what it would give at first sight', () => {
    fc.assert(
      fc.property(fc.array(anyChange, { maxLength: 40 }), (changes) => {
        let state: ClusterState = { services: [], slices: [], pods: [], inferencePools: [inferencePool] };
        const build = createPoolBuilder({ takesEveryInferencePool: false });
        for (const { kind, value, isGone } of changes) {
          const without = <Item extends { readonly meta: { readonly name: string } }>(items: readonly Item[]) =>
            items.filter(({ meta }) => meta.name !== value.name);
          if (kind === 'services') {
            const next = readService(service(value.name, value));
            state = { ...state, services: [...without(state.services), ...(isGone ? [] : [next])] };
          } else if (kind === 'slices') {
            const endpoints = value.endpoints.map((endpoint) => ({ ...endpoint, ip: ipOf(endpoint.pod) }));
            const next = readEndpointSlice(slice(value.name, { ...value, endpoints }));
            state = { ...state, slices: [...without(state.slices), ...(isGone ? [] : [next])] };
          } else {
            const next = readPod(pod(value.name, { ...value, ip: ipOf(value.name) }));
            state = { ...state, pods: [...without(state.pods), ...(isGone ? [] : [next])] };
          }
          expect(build(state)).toEqual(createPoolBuilder({ takesEveryInferencePool: false })(state));
        }
      }),
      { numRuns: 150 },
    );
  });
});
