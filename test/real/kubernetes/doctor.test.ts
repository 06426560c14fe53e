import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tinyQwenFolder } from '../../../sidecar/simulator/index.ts';
import { runCommandLine } from '../../support/command-line.ts';
import { freePort, pollUntil, startWarmroute } from '../../support/process.ts';
import { type RunningEngine, runEngine } from '../../support/running-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type ApiProxy, startApiProxy } from './api-proxy.ts';
import { testkube } from './api-server.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { startDroppingPort } from './dropping-port.ts';
import { pod, service, slice } from './objects.ts';

const executable = testkube();
const namespace = 'llm';

interface ShownCheck {
  readonly name: string;
  readonly subject: string;
  readonly status: string;
  readonly detail: string;
  readonly mend: string | null;
}

const portOf = (address: string | null): string => String(address).slice(String(address).lastIndexOf(':') + 1);

(executable === null ? describe.skip : describe)('doctor against a real API server', () => {
  const before = process.env['KUBECONFIG'];
  let cluster: Cluster;
  let proxy: ApiProxy;
  let engine: RunningEngine;

  beforeAll(async () => {
    cluster = await startCluster(executable ?? '');
    proxy = await startApiProxy(cluster);
    await cluster.addNamespace(namespace);
    await cluster.install('kustomize/base', namespace);
    const { kubeconfig } = await cluster.account(namespace, 'warmroute', { url: proxy.url });
    process.env['KUBECONFIG'] = kubeconfig;
    const on = async (): Promise<string> => `tcp://127.0.0.81:${await freePort()}`;
    engine = await runEngine({ host: '127.0.0.81', eventsAddress: await on(), replayAddress: await on() });
  });
  afterAll(async () => {
    if (before === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = before;
    await engine[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  /** An annotated Service in front of the engine's Pod. */
  const putEngine = async (annotations: Readonly<Record<string, string>>): Promise<void> => {
    const stored = await cluster.admin.apply(pod('tiny-0', { namespace, ip: '198.18.0.81', app: 'tiny' }), {
      status: true,
    });
    const events = { 'events-port': portOf(engine.at.eventsAddress), 'replay-port': portOf(engine.at.replayAddress) };
    const all = { pool: 'tiny', tokenizer: tinyQwenFolder, ...events, ...annotations };
    await cluster.admin.apply(service('tiny', { namespace, annotations: all }));
    const ports = [{ name: 'http', port: Number(portOf(engine.at.address)) }];
    const endpoints = [{ ip: '198.18.0.81', pod: 'tiny-0', uid: stored.metadata.uid ?? '' }];
    await cluster.admin.apply(slice('tiny', { namespace, service: 'tiny', ports, endpoints }));
  };

  const settings = {
    discovery: { kubernetes: { namespaces: [namespace] } },
    gateways: {},
    admin: { listen: '127.0.0.1:0' },
  };

  const doctor = async () => {
    await using folder = await temporaryFolder({ 'config.json': JSON.stringify(settings) });
    const outcome = await runCommandLine('doctor', '--config', `${folder.path}/config.json`, '--probe', '--json');
    const document: { readonly checks: readonly ShownCheck[] } = JSON.parse(outcome.output);
    return { exitCode: outcome.exitCode, failed: document.checks.filter(({ status }) => status === 'failed') };
  };

  const setRules = (rules: readonly unknown[]): Promise<unknown> =>
    cluster.admin.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'warmroute', namespace },
      rules,
    });

  it('proves an engine behind an annotated Service, and finds nothing to mend', async () => {
    await putEngine({});
    expect(await doctor()).toEqual({ exitCode: 0, failed: [] });
  });

  it('explains a mistyped annotation, a Service without ready endpoints, and an events port that is closed', async () => {
    const closed = await freePort();
    await putEngine({ 'events-port': String(closed), 'model-names': 'tiny' });
    await cluster.admin.apply(
      service('empty', { namespace, annotations: { pool: 'empty', tokenizer: tinyQwenFolder } }),
    );
    await cluster.admin.apply(slice('empty', { namespace, service: 'empty', endpoints: [] }));
    const { exitCode, failed } = await doctor();
    expect(exitCode).toBe(1);
    expect(failed.map(({ subject, name }) => `${subject} ${name}`).sort()).toEqual([
      'Service llm/empty no-ready-endpoint',
      'Service llm/tiny mistaken-annotation',
      `tiny/${engine.at.address} events-unreachable`,
    ]);
    const lines = failed.map(({ detail, mend }) => `${detail} → ${mend}`).join('\n');
    expect(lines).toContain('warmroute.dev/model-names: unknown annotation');
    expect(lines).toContain('kubectl -n llm edit service tiny');
    expect(lines).toContain('no Pod matches its selector app=empty');
    expect(lines).toContain('kubectl -n llm get pods -l app=empty');
    expect(lines).toContain(`event port ${closed} is closed`);
  });

  it('takes an events port whose packets are dropped for one that a NetworkPolicy closes', async () => {
    await using port = await startDroppingPort('127.0.0.81');
    await putEngine({ 'events-port': String(port.number) });
    const { failed } = await doctor();
    const found = failed.filter(({ name }) => name === 'events-unreachable');
    expect(found).toEqual([
      expect.objectContaining({
        detail: `event port ${port.number} does not answer: packets are dropped on the way, as a NetworkPolicy does`,
        mend: `let warmroute's Pods in to port ${port.number} of the engine's Pods (ingress of their NetworkPolicy)`,
      }),
    ]);
  });

  it('names the RBAC rule that is missing; with exactly that rule the check passes', async () => {
    await cluster.admin.remove(service('empty', { namespace }));
    await putEngine({});
    const services = { apiGroups: [''], resources: ['services'], verbs: ['list', 'watch'] };
    const slices = { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] };
    await setRules([services, slices]);
    const { exitCode, failed } = await doctor();
    expect(exitCode).toBe(1);
    expect(failed.map(({ subject, name }) => `${subject} ${name}`)).toEqual(['pods in llm access-denied']);
    expect(failed[0]?.mend).toContain(
      'a Role in namespace llm with {apiGroups: [""], resources: [pods], verbs: [list, watch]}',
    );
    await setRules([services, slices, { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] }]);
    expect((await doctor()).failed.filter(({ name }) => name === 'access-denied')).toEqual([]);
  });

  it('prints what a running sidecar found under its own rights', async () => {
    await cluster.admin.apply(
      service('empty', { namespace, annotations: { pool: 'empty', tokenizer: tinyQwenFolder } }),
    );
    await using folder = await temporaryFolder({ 'config.json': JSON.stringify(settings) });
    await using sidecar = startWarmroute(['serve', '--config', `${folder.path}/config.json`]);
    const { listening } = JSON.parse(await sidecar.firstLine);
    const admin = `http://${listening.admin}`;
    await pollUntil(async () => ((await fetch(`${admin}/readyz`)).ok ? true : undefined), {
      what: `ready: ${sidecar.errorOutput()}`,
      deadlineMs: 20_000,
    });
    const { exitCode, output } = await runCommandLine('doctor', '--admin', admin);
    expect(exitCode).toBe(1);
    expect(output).toContain('FAIL  Service llm/empty  no-ready-endpoint: no Pod matches its selector app=empty');
  });

  it('fails, and does not hang, where the API server is gone', async () => {
    await proxy[Symbol.asyncDispose]();
    const { exitCode, failed } = await doctor();
    expect(exitCode).toBe(1);
    expect(failed.map(({ subject, name }) => `${subject} ${name}`)).toEqual([
      'Kubernetes API server server-unreachable',
    ]);
  });
});
