import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, pollUntil, startProcess, type TestProcess } from '../../support/process.ts';

/** Executable of an installed Envoy, or null where test/real/envoy/install.sh has not put one. */
export const envoyExecutable = (version: string): string | null => {
  const path = `${process.env['WARMROUTE_REAL_CACHE'] ?? '.cache/real'}/envoy-${version}/envoy`;
  return existsSync(path) ? path : null;
};

/** A file of manifests/envoy. */
export type EnvoyManifest =
  | 'extproc-override-host'
  | 'extproc-original-dst'
  | 'extproc-request-only'
  | 'extproc-fail-open'
  | 'ext-authz-override-host';

/** A running Envoy. */
export interface EnvoyServer extends AsyncDisposable {
  /** `host:port` of its listener. */
  readonly address: string;
  readonly url: string;
  readonly process: TestProcess;
  /** Value of one counter or gauge; 0 where there is none. */
  stat(name: string): Promise<number>;
}

/** What a manifest's addresses are replaced by. */
export interface EnvoyOptions {
  readonly manifest: EnvoyManifest;
  /** Two `host:port` of engines. */
  readonly engines: readonly string[];
  /** `host:port` of the sidecar, for the manifest's own kind of question. */
  readonly sidecar: string;
  /** Further replacements of text, for variants that have no file. */
  readonly edits?: readonly (readonly [from: string, to: string])[];
}

const manifestPath = (manifest: EnvoyManifest): string =>
  fileURLToPath(new URL(`../../../manifests/envoy/${manifest}.yaml`, import.meta.url));

const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);

/** The manifest as it is, with its ports replaced. */
const substitute = (options: EnvoyOptions, ports: { readonly listener: number; readonly admin: number }): string => {
  const [first = '', second = first] = options.engines;
  const replacements: readonly (readonly [string, string])[] = [
    ['port_value: 8080', `port_value: ${ports.listener}`],
    ['port_value: 9901', `port_value: ${ports.admin}`],
    ['port_value: 8001', `port_value: ${portOf(first)}`],
    ['port_value: 8002', `port_value: ${portOf(second)}`],
    ['port_value: 9002', `port_value: ${portOf(options.sidecar)}`],
    ['port_value: 9010', `port_value: ${portOf(options.sidecar)}`],
    ['127.0.0.1:9010', options.sidecar],
    ...(options.edits ?? []),
  ];
  let text = readFileSync(manifestPath(options.manifest), 'utf8');
  for (const [from, to] of options.edits ?? []) {
    if (!text.includes(from)) throw new Error(`${options.manifest} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  for (const [from, to] of replacements) text = text.replaceAll(from, to);
  return text;
};

/** Starts Envoy with a manifest and waits until it is live and has looked at its clusters' health. */
export const startEnvoy = async (executable: string, options: EnvoyOptions): Promise<EnvoyServer> => {
  const ports = { listener: await freePort(), admin: await freePort() };
  const folder = mkdtempSync(join(tmpdir(), 'warmroute-envoy-'));
  const config = join(folder, 'envoy.yaml');
  writeFileSync(config, substitute(options, ports));
  const child = startProcess(executable, [
    ...['-c', config, '--concurrency', '1', '--log-level', 'warning'],
    // Two Envoys of one base id share memory; the port is unique on this machine.
    ...['--base-id', String(ports.admin)],
  ]);
  child.firstLine.catch(() => {});
  const admin = `http://127.0.0.1:${ports.admin}`;
  const isLive = async (): Promise<true | undefined> => {
    if (child.child.exitCode !== null) throw new Error(`Envoy ended: ${child.errorOutput()}`);
    return (await (await fetch(`${admin}/ready`)).text()).startsWith('LIVE') ? true : undefined;
  };
  try {
    await pollUntil(isLive, { what: 'Envoy is live', deadlineMs: 20_000, intervalMs: 25 });
  } catch (failure) {
    await child.stop('SIGKILL');
    throw new Error(`${String(failure)}\n${child.errorOutput()}`);
  }
  const address = `127.0.0.1:${ports.listener}`;
  return {
    address,
    url: `http://${address}`,
    process: child,
    stat: async (name) => {
      const text = await (
        await fetch(`${admin}/stats?filter=${encodeURIComponent(`^${name.replaceAll('.', '\\.')}$`)}`)
      ).text();
      return Number(text.trim().split(': ')[1] ?? 0);
    },
    [Symbol.asyncDispose]: async () => {
      await child.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
