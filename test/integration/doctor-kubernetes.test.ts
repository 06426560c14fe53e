import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseConfig } from '../../sidecar/config/index.ts';
import { tinyQwenFolder } from '../../sidecar/simulator/index.ts';
import { runCommandLine } from '../support/command-line.ts';
import { FakeKubernetes } from '../support/fake-kubernetes.ts';
import { collections, service, slice } from '../support/fake-kubernetes-objects.ts';
import { serveFakeKubernetes } from '../support/fake-kubernetes-server.ts';
import { freePort } from '../support/process.ts';
import { type RunningEngine, runApp, runEngine } from '../support/running-app.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface ShownCheck {
  readonly name: string;
  readonly subject: string;
  readonly status: string;
  readonly detail: string;
  readonly mend: string | null;
}

const settings = (namespaces: string | readonly string[]) => ({
  discovery: { kubernetes: { namespaces } },
  gateways: {},
  admin: { listen: '127.0.0.1:0' },
  drainMs: 100,
});

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

/** A Service with one endpoint that is an engine on loopback. */
const putEngine = (
  api: FakeKubernetes,
  name: string,
  { at, eventsPort }: { readonly at: RunningEngine['at']; readonly eventsPort: number },
): void => {
  const replayPort = String(portOf(at.replayAddress ?? ''));
  const annotations = { pool: name, tokenizer: tinyQwenFolder, 'events-port': String(eventsPort) };
  api.put(collections.services, service(name, { annotations: { ...annotations, 'replay-port': replayPort } }));
  const ports = [{ name: 'http', port: portOf(at.address) }];
  api.put(collections.slices, slice(name, { service: name, ports, endpoints: [{ ip: '127.0.0.1' }] }));
};

const doctor = async (config: unknown, ...flags: readonly string[]) => {
  await using folder = await temporaryFolder({});
  const path = `${folder.path}/config.json`;
  await writeFile(path, JSON.stringify(config));
  const { exitCode, output } = await runCommandLine('doctor', '--config', path, '--json', ...flags);
  const document: { readonly checks: readonly ShownCheck[] } = JSON.parse(output);
  const { checks } = document;
  return { exitCode, checks, failed: checks.filter(({ status }) => status === 'failed') };
};

describe('doctor with a cluster', () => {
  const before = process.env['KUBECONFIG'];
  let api: FakeKubernetes;
  let server: Awaited<ReturnType<typeof serveFakeKubernetes>>;

  beforeEach(async () => {
    api = new FakeKubernetes();
    server = await serveFakeKubernetes(api);
    process.env['KUBECONFIG'] = server.kubeconfig;
  });
  afterEach(async () => {
    if (before === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = before;
    await server[Symbol.asyncDispose]();
  });

  it('proves the engines that it finds there, and changes nothing', async () => {
    await using engine = await runEngine();
    putEngine(api, 'tiny', { at: engine.at, eventsPort: portOf(engine.at.eventsAddress) });
    const { exitCode, checks, failed } = await doctor(settings('*'), '--probe');
    expect(failed).toEqual([]);
    expect(exitCode).toBe(0);
    const names = checks.filter(({ status }) => status === 'passed').map(({ subject, name }) => `${subject} ${name}`);
    const endpoint = `tiny/${engine.at.address}`;
    expect(names).toEqual(
      expect.arrayContaining([
        'kubernetes cluster-readable',
        'tiny tokenizer-path',
        `${endpoint} tokenizer-agrees`,
        `${endpoint} events-flowing`,
        `${endpoint} cached-tokens`,
      ]),
    );
    expect(api.created).toEqual([]);
  });

  it('explains annotations that are mistyped, a Service without ready endpoints, and a closed events port', async () => {
    await using engine = await runEngine();
    const eventsPort = await freePort();
    putEngine(api, 'tiny', { at: engine.at, eventsPort });
    api.put(collections.services, service('typo', { annotations: { pool: 'tiny', 'event-port': '5557' } }));
    const { exitCode, failed } = await doctor(settings('*'));
    expect(exitCode).toBe(1);
    expect(failed).toEqual([
      {
        name: 'mistaken-annotation',
        subject: 'Service llm/typo',
        status: 'failed',
        detail: expect.stringContaining('warmroute.dev/event-port: unknown annotation'),
        mend: 'correct it: kubectl -n llm edit service typo',
      },
      expect.objectContaining({
        name: 'mistaken-annotation',
        subject: 'Service llm/typo',
        detail: expect.stringContaining('it defines pool "tiny" differently from Service llm/tiny'),
      }),
      expect.objectContaining({
        name: 'no-ready-endpoint',
        subject: 'Service llm/typo',
        detail: 'no Pod matches its selector app=typo',
        mend: expect.stringContaining('kubectl -n llm get pods -l app=typo'),
      }),
      expect.objectContaining({
        name: 'events-unreachable',
        subject: `tiny/${engine.at.address}`,
        detail: `event port ${eventsPort} is closed: the engine does not listen there`,
        mend: expect.stringContaining('--kv-events-config'),
      }),
    ]);
  });

  it('names the RBAC rule that is missing', async () => {
    api.refuse('/api/v1/namespaces/llm/pods', 403);
    const { exitCode, failed } = await doctor(settings(['llm']));
    expect(exitCode).toBe(1);
    expect(failed).toEqual([
      {
        name: 'access-denied',
        subject: 'pods in llm',
        status: 'failed',
        detail: 'reading is forbidden (403)',
        mend: 'bind a Role in namespace llm with {apiGroups: [""], resources: [pods], verbs: [list, watch]} to warmroute\'s ServiceAccount',
      },
    ]);
  });

  it('says that nothing in the cluster is annotated', async () => {
    const { exitCode, failed } = await doctor(settings('*'));
    expect(exitCode).toBe(1);
    expect(failed).toEqual([
      expect.objectContaining({
        name: 'cluster-readable',
        mend: expect.stringContaining('kubectl annotate service NAME warmroute.dev/pool=NAME'),
      }),
    ]);
  });

  it('fails its check, and the serve command its start with 69, where there is no API server', async () => {
    await using folder = await temporaryFolder({ 'config.json': JSON.stringify(settings('*')) });
    process.env['KUBECONFIG'] = `${folder.path}/absent`;
    const { exitCode, failed } = await doctor(settings('*'));
    expect(exitCode).toBe(1);
    expect(failed).toEqual([
      expect.objectContaining({
        name: 'server-unreachable',
        subject: 'Kubernetes API server',
        mend: expect.stringContaining('KUBECONFIG'),
      }),
    ]);
    const served = await runCommandLine('serve', '--config', `${folder.path}/config.json`);
    expect(served).toMatchObject({ exitCode: 69, output: '' });
  });

  it('prints what a running sidecar found', async () => {
    api.put(collections.services, service('qwen', { annotations: { pool: 'qwen', engine: 'x' } }));
    await using app = await runApp(parseConfig({}, JSON.stringify(settings('*'))).config);
    const { exitCode, output } = await runCommandLine('doctor', '--admin', app.admin, '--json');
    const document: { readonly checks: readonly ShownCheck[] } = JSON.parse(output);
    expect(exitCode).toBe(1);
    const found = document.checks.filter(({ subject }) => subject === 'Service llm/qwen');
    expect(found.map(({ name, status, detail }) => [name, status, detail])).toEqual([
      ['mistaken-annotation', 'failed', 'warmroute.dev/engine: "x" must be vllm or sglang'],
      ['no-ready-endpoint', 'failed', 'no Pod matches its selector app=qwen'],
    ]);
  });
});
