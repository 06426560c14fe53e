import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, pollUntil, startProcess, type TestProcess } from '../../support/process.ts';
import { createKubeClient, type KubeClient } from './kube-client.ts';

/** Binary with kube-apiserver, etcd, kubectl and kustomize; null where install.sh has not put one. */
export const testkube = (): string | null => {
  const path = `${process.env['WARMROUTE_REAL_CACHE'] ?? '.cache/real'}/testkube`;
  return existsSync(path) ? path : null;
};

/** A running kube-apiserver with RBAC on and nothing else of a cluster: no controllers, no nodes. */
export interface ApiServer extends AsyncDisposable {
  readonly url: string;
  /** PEM file that its certificate is checked against. */
  readonly caFile: string;
  /** Folder for files that are to go with the server. */
  readonly folder: string;
  /** Client that may do everything. */
  readonly admin: KubeClient;
  /** kubeconfig of {@link ApiServer.admin}, for kubectl. */
  readonly kubeconfig: string;
  /** Ends the process at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again at the same address with the same data. */
  restart(): Promise<void>;
}

/** Writes a kubeconfig file for one user and gives its path. `caFile` null: plain HTTP, or certificates unchecked. */
export const writeKubeconfig = async (
  file: string,
  options: {
    readonly url: string;
    readonly caFile: string | null;
    readonly token: string;
    readonly namespace?: string;
  },
): Promise<string> => {
  const { url, caFile, token, namespace = 'default' } = options;
  const trust = caFile === null ? { 'insecure-skip-tls-verify': true } : { 'certificate-authority': caFile };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, ...trust } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
    'current-context': 'test',
  };
  await writeFile(file, JSON.stringify(config));
  return file;
};

const launch = async (
  executable: string,
  options: { readonly folder: string; readonly ports: readonly number[] },
): Promise<TestProcess> => {
  const { folder, ports } = options;
  const [port, etcdPort, peerPort] = ports;
  const key = join(folder, 'sa.key');
  const etcd = `http://127.0.0.1:${etcdPort}`;
  const flags = {
    'etcd-servers': etcd,
    'bind-address': '127.0.0.1',
    'secure-port': port,
    'cert-dir': join(folder, 'certs'),
    'service-cluster-ip-range': '10.96.0.0/16,fd00:96::/112',
    'endpoint-reconciler-type': 'none',
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-signing-key-file': key,
    'service-account-key-file': key,
    'token-auth-file': join(folder, 'tokens.csv'),
    'authorization-mode': 'RBAC',
    'enable-priority-and-fairness': false,
    profiling: false,
  };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const server = startProcess(executable, ['apiserver', ...args], {
    env: {
      ...process.env,
      TESTKUBE_ETCD_DIR: join(folder, 'etcd'),
      TESTKUBE_ETCD_CLIENT: etcd,
      TESTKUBE_ETCD_PEER: `http://127.0.0.1:${peerPort}`,
    },
    // With watches open it takes its time after SIGTERM.
    graceMs: 500,
  });
  return server;
};

/** Starts kube-apiserver with etcd inside; resolves when it is ready, about 5 s. */
export const startApiServer = async (executable: string): Promise<ApiServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'warmroute-apiserver-'));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, 'tokens.csv'), 'admin-token,admin,admin,"system:masters"\n');
  const ports = [await freePort(), await freePort(), await freePort()];
  const url = `https://127.0.0.1:${ports[0]}`;
  const caFile = join(folder, 'certs', 'apiserver.crt');
  let server: TestProcess | null = null;

  const start = async (): Promise<string> => {
    const starting = await launch(executable, { folder, ports });
    server = starting;
    return pollUntil(
      async () => {
        if (starting.child.exitCode !== null) throw new Error('it ended');
        const ca = await readFile(caFile, 'utf8');
        const client = createKubeClient({ url, ca, token: 'admin-token' });
        return (await client.request('GET', '/readyz')).status === 200 ? ca : undefined;
      },
      { what: `kube-apiserver: ${starting.errorOutput().slice(-1000)}`, deadlineMs: 60_000 },
    );
  };
  const kill = async (): Promise<void> => void (await server?.stop('SIGKILL'));
  const ca = await start();
  const kubeconfig = join(folder, 'admin.kubeconfig');
  await writeKubeconfig(kubeconfig, { url, caFile, token: 'admin-token' });
  return {
    url,
    caFile,
    folder,
    admin: createKubeClient({ url, ca, token: 'admin-token' }),
    kubeconfig,
    kill,
    restart: async () => void (await start()),
    [Symbol.asyncDispose]: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
