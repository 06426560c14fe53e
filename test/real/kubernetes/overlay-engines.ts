import { tinyQwenFolder } from '../../../sidecar/simulator/index.ts';
import { freePort } from '../../support/process.ts';
import { type RunningEngine, runEngine } from '../../support/running-app.ts';
import type { Cluster } from './cluster.ts';
import { pod, service, slice } from './objects.ts';

/**
 * Two embedded engines as the annotated Service `vllm-qwen` with its Pods and slice, each at 127.0.0.NUMBER and in the cluster
 * at 198.18.0.NUMBER. Each is put into `engines` by its address as soon as it runs; the caller ends them.
 */
export const runOverlayEngines = async (
  cluster: Cluster,
  options: {
    readonly namespace: string;
    readonly numbers: readonly number[];
    readonly engines: Map<string, RunningEngine>;
  },
): Promise<void> => {
  const { namespace, numbers, engines } = options;
  const ports = { http: await freePort(), events: await freePort() };
  const endpoints = [];
  for (const number of numbers) {
    const host = `127.0.0.${number}`;
    const running = await runEngine({ host, port: ports.http, eventsAddress: `tcp://${host}:${ports.events}` });
    engines.set(running.at.address, running);
    const name = `vllm-qwen-${number}`;
    const ip = `198.18.0.${number}`;
    const stored = await cluster.admin.apply(pod(name, { namespace, ip, app: 'vllm-qwen' }), { status: true });
    endpoints.push({ ip, pod: name, uid: stored.metadata.uid ?? '' });
  }
  const annotations = { pool: 'tiny', tokenizer: tinyQwenFolder, 'events-port': String(ports.events) };
  await cluster.admin.apply(service('vllm-qwen', { namespace, annotations }));
  const members = { namespace, service: 'vllm-qwen', ports: [{ name: 'http', port: ports.http }], endpoints };
  await cluster.admin.apply(slice('vllm-qwen', members));
};
