import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startProcess, type TestProcess } from '../../support/process.ts';

const cache = process.env['WARMROUTE_REAL_CACHE'] ?? '.cache/real';
const executable = resolve(cache, 'envoy-gateway-1.9.1/envoy-gateway');
const envoyVersion = '1.40.0';
const envoy = resolve(cache, `envoy-${envoyVersion}/envoy`);

/** The Envoy that install.sh has put, null where there is none. */
export const envoyAtHand = (): string | null => (existsSync(envoy) ? envoy : null);

/** Whether Envoy Gateway and an Envoy are there, and it can be run: it reads certificates from `/certs` only. */
export const hasEnvoyGateway = (): boolean => existsSync(executable) && existsSync(envoy) && process.getuid?.() === 0;

/** What the GatewayClass has to refer to, so that the Envoy at hand is used. */
export const envoyProxySpec = { provider: { type: 'Host', host: { envoyVersion } } };

/** A running Envoy Gateway, with its Envoy as a child. */
export interface EnvoyGateway extends AsyncDisposable {
  output(): string;
}

const configOf = (folder: string): unknown => ({
  apiVersion: 'gateway.envoyproxy.io/v1alpha1',
  kind: 'EnvoyGateway',
  gateway: { controllerName: 'gateway.envoyproxy.io/gatewayclass-controller' },
  provider: {
    type: 'Custom',
    custom: {
      resource: { type: 'Kubernetes', kubernetes: { leaderElection: { disable: true } } },
      infrastructure: {
        type: 'Host',
        host: {
          configHome: join(folder, 'config'),
          dataHome: join(folder, 'data'),
          stateHome: join(folder, 'state'),
          runtimeDir: join(folder, 'run'),
        },
      },
    },
  },
});

/**
 * Starts Envoy Gateway on the API server of a kubeconfig; it starts Envoy on this machine once there is a Gateway. Its
 * `/certs` is a folder of ours in a mount namespace of its own.
 */
export const startEnvoyGateway = async (kubeconfig: string): Promise<EnvoyGateway> => {
  const folder = await mkdtemp(join(tmpdir(), 'warmroute-envoy-gateway-'));
  const binaries = join(folder, 'data/envoy-versions', envoyVersion, 'bin');
  await mkdir(binaries, { recursive: true });
  await symlink(envoy, join(binaries, 'envoy'));
  const configFile = join(folder, 'config.yaml');
  await writeFile(configFile, JSON.stringify(configOf(folder)));
  const certificates = startProcess(executable, ['certgen', '--local', '--config-home', join(folder, 'config')]);
  if ((await certificates.exited) !== 0) throw new Error(`certgen: ${certificates.errorOutput()}`);

  const madeCerts = (await mkdir('/certs', { recursive: true })) !== undefined;
  const mounted = `mount --bind ${join(folder, 'config/certs/envoy-gateway')} /certs && exec "$0" "$@"`;
  const gateway: TestProcess = startProcess(
    'unshare',
    ['--mount', 'sh', '-c', mounted, executable, 'server', '--config-path', configFile],
    { env: { ...process.env, KUBECONFIG: kubeconfig, ENVOY_GATEWAY_NAMESPACE: 'envoy-gateway-system' } },
  );
  let printed = '';
  gateway.child.stdout?.on('data', (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-200_000);
  });
  return {
    output: () => printed + gateway.errorOutput(),
    [Symbol.asyncDispose]: async () => {
      await gateway.stop();
      if (madeCerts) await rmdir('/certs');
      await rm(folder, { recursive: true, force: true });
    },
  };
};
