import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Config, parseConfig } from '../../../sidecar/config/index.ts';
import { testkube } from './api-server.ts';
import { type Cluster, definitionsAtHand, placed, startCluster } from './cluster.ts';
import type { KubeObject } from './kube-client.ts';
import { kustomize, readObjects, repository } from './kustomize.ts';

const executable = testkube();
if (executable === null) console.log('SKIPPED kubernetes: test/real/kubernetes/install.sh has not been run');

/** Folders below `under` that kustomize can build by themselves. */
const buildable = (under: string): readonly string[] =>
  readdirSync(join(repository, under), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(repository, under, entry.name, 'kustomization.yaml')))
    .map((entry) => `${under}/${entry.name}`)
    .sort();

const folders = ['kustomize/base', ...buildable('kustomize/overlays'), ...buildable('manifests')];

/** An ingress controller as people have them: it passes the restricted standard by itself. */
const ingressController = (kind: 'Deployment' | 'DaemonSet') => {
  const labels = { app: 'ingress' };
  const securityContext = {
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'ingress' },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'controller', image: 'ingress:1', securityContext }] },
      },
    },
  };
};

interface PodTemplate {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec: { readonly containers: readonly { readonly name: string }[] };
}

const hasTemplate = (spec: unknown): spec is { readonly template: PodTemplate } =>
  typeof spec === 'object' && spec !== null && 'template' in spec;

/** The Pods that workloads among the objects would make. */
const podsOf = (objects: readonly KubeObject[], namespace: string): readonly KubeObject[] =>
  objects.flatMap(({ metadata, spec }) =>
    hasTemplate(spec)
      ? [
          {
            apiVersion: 'v1',
            kind: 'Pod',
            metadata: { name: metadata.name, namespace, labels: spec.template.metadata?.labels ?? {} },
            spec: spec.template.spec,
          },
        ]
      : [],
  );

/** The product's configurations among the objects, parsed as the product does. */
const configsOf = (objects: readonly KubeObject[]): readonly Config[] =>
  objects.flatMap(({ kind, data }) =>
    kind === 'ConfigMap' && typeof data === 'object' && data !== null && 'config.yaml' in data
      ? [parseConfig({}, String(data['config.yaml'])).config]
      : [],
  );

(executable === null ? describe.skip : describe)('manifests against a real API server', () => {
  const testkubePath = executable ?? '';
  let cluster: Cluster;
  let scratch = '';
  let builds = 0;

  beforeAll(async () => {
    cluster = await startCluster(testkubePath);
    await cluster.addDefinitions(await definitionsAtHand());
    for (const name of ['llm', 'warmroute', 'istio-system', 'argocd', 'flux-system']) await cluster.addNamespace(name);
    await cluster.addNamespace('restricted', { 'pod-security.kubernetes.io/enforce': 'restricted' });
    for (const name of ['warmroute', 'ingress']) {
      await cluster.admin.apply({
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name, namespace: 'restricted' },
      });
    }
    await mkdir(join(repository, '.cache'), { recursive: true });
    scratch = await mkdtemp(join(repository, '.cache', 'kustomize-'));
  });
  afterAll(async () => {
    await rm(scratch, { recursive: true, force: true });
    await cluster[Symbol.asyncDispose]();
  });

  /** Builds a folder of files written on the spot, each as JSON. */
  const buildFolder = async (name: string, contents: Readonly<Record<string, unknown>>) => {
    const folder = join(scratch, name);
    for (const [path, content] of Object.entries(contents)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), JSON.stringify(content));
    }
    return kustomize(testkubePath, folder);
  };
  const overlay = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' };
  const fromScratch = (name: string, path: string): string => relative(join(scratch, name), join(repository, path));

  /** What the server refuses of the objects; a kind whose definition is not at hand is skipped aloud. */
  const refusals = async (objects: readonly KubeObject[]): Promise<readonly string[]> => {
    const refused: string[] = [];
    for (const object of objects) {
      const { kind, apiVersion, metadata } = object;
      const { status, body } = await cluster.admin.dryRun(placed(object, 'llm'));
      if (status === 404 && /the server could not find the requested resource|^404/.test(String(body['message'])))
        console.log(
          `SKIPPED kubernetes: no definition of ${kind} (${apiVersion}) at hand, ${metadata.name} is unchecked`,
        );
      else if (status >= 300) refused.push(`${kind} ${metadata.name}: ${String(body['message'])}`);
    }
    return refused;
  };

  it.each(folders)('takes everything that %s builds', async (folder) => {
    const objects = await kustomize(testkubePath, join(repository, folder));
    expect(objects.length).toBeGreaterThan(0);
    expect(await refusals(objects)).toEqual([]);
  });

  it.each(folders)('can be run with the configuration that %s gives', async (folder) => {
    for (const { discovery, gateways } of configsOf(await kustomize(testkubePath, join(repository, folder)))) {
      expect(discovery.kubernetes).toBeDefined();
      expect(Object.keys(gateways).length).toBeGreaterThan(0);
    }
  });

  it('takes the GitOps objects', async () => {
    const objects = await readObjects(join(repository, 'manifests/gitops'));
    expect(objects.map(({ kind }) => kind).sort()).toEqual(['Application', 'GitRepository', 'Kustomization']);
    expect(await refusals(objects)).toEqual([]);
  });

  it('takes what the overlay for Kubeflow has for profiles', async () => {
    const objects = await readObjects(join(repository, 'kustomize/overlays/kubeflow'));
    const access = objects.filter(({ kind }) => kind === 'AuthorizationPolicy');
    expect(access).toHaveLength(1);
    expect(await refusals(access)).toEqual([]);
  });

  it('names in GitOps objects only paths that are here', async () => {
    const text = JSON.stringify(await readObjects(join(repository, 'manifests/gitops')));
    const paths = [...text.matchAll(/"path":"(?:\.\/)?([^"]+)"/g)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(1);
    for (const path of paths) expect(folders).toContain(path);
  });

  it('refuses a mistaken field, so that passing means something', async () => {
    const [object] = await kustomize(testkubePath, join(repository, 'kustomize/base'));
    const mistaken = {
      ...object,
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'x' },
      imagePullSecret: [],
    };
    expect(await refusals([mistaken])).toEqual([expect.stringContaining('imagePullSecret')]);
  });

  it.each(folders.filter((folder) => folder.includes('overlays')))('has a README for %s', (folder) => {
    expect(existsSync(join(repository, folder, 'README.md'))).toBe(true);
  });

  it('watches the whole cluster with the component cluster-wide, by a ClusterRole in place of the Role', async () => {
    const name = 'cluster-wide';
    const objects = await buildFolder(name, {
      'kustomization.yaml': {
        ...overlay,
        namespace: 'llm',
        resources: [fromScratch(name, 'kustomize/base')],
        components: [fromScratch(name, 'kustomize/components/cluster-wide')],
      },
    });
    expect(await refusals(objects)).toEqual([]);
    expect(objects.map(({ kind }) => kind)).not.toContain('Role');
    const binding = objects.find(({ kind }) => kind === 'ClusterRoleBinding');
    expect(binding?.['subjects']).toEqual([{ kind: 'ServiceAccount', name: 'warmroute', namespace: 'llm' }]);
    expect(JSON.stringify(objects.find(({ kind }) => kind === 'Deployment'))).toContain(
      '{"name":"WARMROUTE_KUBERNETES_NAMESPACES","value":"*"}',
    );
  });

  it('takes tokenizers from the hub with the component model-hub, on a volume that a restricted Pod may write', async () => {
    const name = 'model-hub';
    const objects = await buildFolder(name, {
      'kustomization.yaml': {
        ...overlay,
        namespace: 'restricted',
        resources: [fromScratch(name, 'kustomize/base')],
        components: [fromScratch(name, 'kustomize/components/model-hub')],
      },
    });
    expect(await refusals([...objects, ...podsOf(objects, 'restricted')])).toEqual([]);
    expect(JSON.stringify(objects)).toContain('"mountPath":"/var/cache/warmroute"');
  });

  it.each([
    ['Role', []],
    ['ClusterRole', ['cluster-wide']],
  ])('reads InferencePools with the component inference-pools, by its %s', async (kind, before) => {
    const name = `inference-pools-${kind.toLowerCase()}`;
    const components = [...before, 'inference-pools'].map((each) => fromScratch(name, `kustomize/components/${each}`));
    const objects = await buildFolder(name, {
      'kustomization.yaml': {
        ...overlay,
        namespace: 'llm',
        resources: [fromScratch(name, 'kustomize/base')],
        components,
      },
    });
    expect(await refusals(objects)).toEqual([]);
    expect(objects.find((object) => object.kind === kind)?.['rules']).toContainEqual({
      apiGroups: ['inference.networking.k8s.io'],
      resources: ['inferencepools'],
      verbs: ['list', 'watch'],
    });
    expect(configsOf(objects).map(({ discovery }) => discovery.kubernetes?.inferencePools)).toEqual([['v1']]);
  });

  describe.each(['Deployment', 'DaemonSet'] as const)('the sidecar injected into a %s', (kind) => {
    /** An overlay as the component's README shows it. */
    const build = () => {
      const name = `sidecar-${kind.toLowerCase()}-${builds++}`;
      return buildFolder(name, {
        'resource.yaml': ingressController(kind),
        'mark/kustomization.yaml': {
          apiVersion: 'kustomize.config.k8s.io/v1alpha1',
          kind: 'Component',
          patches: [
            {
              patch: JSON.stringify({
                apiVersion: 'apps/v1',
                kind,
                metadata: { name: 'ingress', annotations: { 'warmroute.dev/inject': 'sidecar' } },
              }),
            },
          ],
        },
        'kustomization.yaml': {
          ...overlay,
          namespace: 'restricted',
          resources: ['resource.yaml'],
          components: ['mark', fromScratch(name, 'kustomize/components/sidecar')],
          patches: [
            {
              target: { kind: 'RoleBinding', name: 'warmroute-sidecar' },
              patch: '[{"op": "replace", "path": "/subjects/0/name", "value": "ingress"}]',
            },
          ],
        },
      });
    };

    it('stands beside the container that was there', async () => {
      const objects = await build();
      expect(await refusals(objects)).toEqual([]);
      const [pod] = podsOf(objects, 'restricted');
      expect(pod?.['spec']).toMatchObject({
        containers: [{ name: 'controller' }],
        initContainers: [{ name: 'warmroute', restartPolicy: 'Always' }],
      });
      const binding = objects.find(({ kind: other }) => other === 'RoleBinding');
      expect(binding?.['subjects']).toEqual([{ kind: 'ServiceAccount', name: 'ingress' }]);
      expect(configsOf(objects).map(({ gateways }) => gateways.consult?.listen)).toEqual(['127.0.0.1:9010']);
    });

    it('passes the restricted Pod Security Standard', async () => {
      const pods = podsOf(await build(), 'restricted');
      expect(pods).toHaveLength(1);
      expect(await refusals(pods)).toEqual([]);
    });
  });

  it('passes the restricted Pod Security Standard with the base, which a looser Pod does not', async () => {
    const [pod] = podsOf(await kustomize(testkubePath, join(repository, 'kustomize/base')), 'restricted');
    if (pod === undefined) throw new Error('the base has no workload');
    expect(await refusals([pod])).toEqual([]);
    const text = JSON.stringify(pod).replace('"allowPrivilegeEscalation":false,', '');
    const looser: KubeObject = JSON.parse(text);
    expect(await refusals([looser])).toEqual([expect.stringContaining('violates PodSecurity "restricted:latest"')]);
  });
});
