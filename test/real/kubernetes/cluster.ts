import { join } from 'node:path';
import { type ApiServer, startApiServer, writeKubeconfig } from './api-server.ts';
import type { KubeObject } from './kube-client.ts';
import { definitionFolders, kustomize, readObjects, repository } from './kustomize.ts';

/** Credentials of one ServiceAccount. */
export interface Account {
  readonly token: string;
  /** kubeconfig that names them and their namespace. */
  readonly kubeconfig: string;
}

/** A real API server with what a cluster's controllers would add where a test needs it. */
export interface Cluster extends ApiServer {
  /** Creates a namespace with its default ServiceAccount; `labels` as for Pod Security. */
  addNamespace(name: string, labels?: Readonly<Record<string, string>>): Promise<void>;
  /** Applies everything that a kustomize folder builds to a namespace. */
  install(folder: string, namespace: string): Promise<readonly KubeObject[]>;
  /** Credentials of a ServiceAccount; `url` where not the server itself is to be talked to. */
  account(namespace: string, name: string, options?: { readonly url: string }): Promise<Account>;
  /** Applies custom resource definitions and waits until they are served. Resolves with the kinds. */
  addDefinitions(definitions: readonly KubeObject[]): Promise<readonly string[]>;
}

const clusterScoped = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition']);

/** The object in `namespace`, unless it names one itself or belongs to none. */
export const placed = (object: KubeObject, namespace: string): KubeObject =>
  clusterScoped.has(object.kind) || object.metadata.namespace !== undefined
    ? object
    : { ...object, metadata: { ...object.metadata, namespace } };

/** Custom resource definitions that are at hand on this machine, by name; of two of one name the last counts. */
export const definitionsAtHand = async (): Promise<readonly KubeObject[]> => {
  const objects = (await Promise.all(definitionFolders().map(readObjects))).flat();
  const definitions = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
  return [...new Map(definitions.map((definition) => [definition.metadata.name, definition])).values()];
};

const isEstablished = (body: Readonly<Record<string, unknown>>): boolean =>
  JSON.stringify(body['status'] ?? {}).includes('"type":"Established"');

/** Starts a cluster. */
export const startCluster = async (executable: string): Promise<Cluster> => {
  const server = await startApiServer(executable);
  const { admin } = server;
  const addNamespace: Cluster['addNamespace'] = async (name, labels = {}) => {
    await admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    await admin.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } });
  };
  return {
    ...server,
    addNamespace,
    install: async (folder, namespace) => {
      const objects = (await kustomize(executable, join(repository, folder))).map((object) =>
        placed(object, namespace),
      );
      for (const object of objects) await admin.apply(object);
      return objects;
    },
    account: async (namespace, name, { url } = { url: server.url }) => {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
      const answer = await admin.request('POST', path, { body });
      const token = /"token":"([^"]+)"/.exec(JSON.stringify(answer.body['status']))?.[1];
      if (token === undefined) throw new Error(`no token: ${answer.status} ${String(answer.body['message'])}`);
      const caFile = url.startsWith('https:') ? server.caFile : null;
      const file = join(server.folder, `${namespace}-${name}.kubeconfig`);
      return { token, kubeconfig: await writeKubeconfig(file, { url, caFile, token, namespace }) };
    },
    addDefinitions: async (definitions) => {
      for (const definition of definitions) await admin.apply(definition);
      for (const { metadata } of definitions) {
        const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${metadata.name}`;
        while (!isEstablished((await admin.request('GET', path)).body));
      }
      return definitions.map(({ metadata }) => metadata.name);
    },
  };
};
