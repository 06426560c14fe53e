import type { KubeObject } from './kube-client.ts';

/** An overlay's own settings: the configuration file of its ConfigMap and the environment of its Deployment. */
export const settingsOf = (
  objects: readonly KubeObject[],
): { readonly config: string; readonly env: Readonly<Record<string, string>> } => {
  const map = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('warmroute'));
  const text = JSON.stringify(objects.find(({ kind }) => kind === 'Deployment'));
  const env = [...text.matchAll(/\{"name":"(WARMROUTE_[A-Z_]+)","value":"([^"]*)"\}/g)];
  const data: unknown = map?.['data'];
  const config: unknown = typeof data === 'object' && data !== null && 'config.yaml' in data ? data['config.yaml'] : '';
  return { config: String(config), env: Object.fromEntries(env.map(([, name, value]) => [name, value])) };
};
