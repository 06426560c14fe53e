import { createKubernetesApi, type KubernetesApi } from '../../../sidecar/discovery/index.ts';
import { FakeKubernetes } from '../../support/fake-kubernetes.ts';
import { collections } from '../../support/fake-kubernetes-objects.ts';
import { serveFakeKubernetes } from '../../support/fake-kubernetes-server.ts';
import type { Fleet } from './fleet.ts';

/** A fake API server in this process that holds a fleet, and a client of it. */
export interface Connected extends AsyncDisposable {
  readonly fake: FakeKubernetes;
  readonly api: KubernetesApi;
}

/** Serves a fleet and connects to it, naming it in the environment. */
export const connectTo = async (fleet: Fleet): Promise<Connected> => {
  const fake = new FakeKubernetes();
  fake.put(collections.services, fleet.service);
  for (const slice of fleet.slices) fake.put(collections.slices, slice);
  for (const pod of fleet.pods) fake.put(collections.pods, pod);
  const server = await serveFakeKubernetes(fake);
  process.env['KUBECONFIG'] = server.kubeconfig;
  return { fake, api: await createKubernetesApi(), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
};
