import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { createHeldChats, type HeldChats } from '../../support/held-chats.ts';
import { freePort, pollUntil, startProcess } from '../../support/process.ts';
import { appConfig, type RunningApp, type RunningEngine, runApp, runEngine } from '../../support/running-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { envoyAtHand } from './envoy-gateway.ts';
import { type ConfigPatch, type GatewayPlan, gatewayConfig } from './istio-gateway.ts';

const envoy = envoyAtHand();
if (envoy === null) console.log("SKIPPED kubernetes: no Envoy at hand, Istio's filters are not run");

const overlays = new URL('../../../kustomize/overlays/', import.meta.url);
const textOf = (path: string): Promise<string> => readFile(new URL(path, overlays), 'utf8');

const patchesOf = async (path: string): Promise<readonly ConfigPatch[]> => {
  const filter: { readonly spec: { readonly configPatches: readonly ConfigPatch[] } } = parse(await textOf(path));
  return filter.spec.configPatches;
};

/** The extension provider that a README tells to add to the mesh configuration. */
const providerOf = async (path: string): Promise<GatewayPlan['provider']> => {
  const text = /`extensionProviders: (\[[^`]*\])`/.exec(await textOf(path))?.[1];
  const [provider] = parse(text ?? '[]');
  return provider.envoyExtAuthzHttp;
};

(envoy === null ? describe.skip : describe)("the filters of Istio's overlays in a real Envoy", () => {
  let engines: readonly RunningEngine[] = [];
  let app: RunningApp;
  let chats: HeldChats;

  beforeAll(async () => {
    engines = [await runEngine(), await runEngine()];
  });
  afterAll(async () => {
    for (const engine of engines) await engine[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    app = await runApp(appConfig(engines));
    chats = createHeldChats({ engines, app });
  });
  afterEach(async () => await app[Symbol.asyncDispose]());

  const startGateway = async (plan: Pick<GatewayPlan, 'patches' | 'provider' | 'engineService' | 'consultService'>) => {
    const port = await freePort();
    const config = gatewayConfig({
      ...plan,
      port,
      engines: engines.map(({ at }) => at.address),
      consult: app.consult.replace('http://', ''),
    });
    const folder = await temporaryFolder({});
    await writeFile(`${folder.path}/envoy.json`, JSON.stringify(config));
    const flags = ['-c', `${folder.path}/envoy.json`, '--concurrency', '1', '--use-dynamic-base-id', '-l', 'warning'];
    const running = startProcess(envoy ?? '', flags);
    const url = `http://127.0.0.1:${port}`;
    await pollUntil(async () => ((await chats.send(url, 'hello')).ok ? true : undefined), {
      what: 'Envoy',
      deadlineMs: 20_000,
    }).catch((failure: unknown) => {
      throw new Error(`${failure}: ${running.errorOutput().slice(-3000)}`);
    });
    return {
      url,
      [Symbol.asyncDispose]: async () => {
        await running.stop();
        await folder[Symbol.asyncDispose]();
      },
    };
  };

  /** Picks are followed, cut bodies are decided by, and without warmroute requests go on; no client picks. */
  const expectAsPromised = async (url: string, prefix: string): Promise<void> => {
    for (const { holder, asked } of await chats.askHeld(url, prefix)) {
      expect(asked).toMatchObject({ status: 200, by: [holder], decision: { reason: 'prefix' } });
      expect(asked.cachedTokens).toBe(asked.decision?.predictedCachedTokens);
    }
    await app[Symbol.asyncDispose]();
    const [first, second] = engines;
    const headers = { 'x-gateway-destination-endpoint': first?.at.address ?? '' };
    const before = second?.engine.counters().finishedRequests ?? 0;
    for (let count = 0; count < 20; count += 1)
      expect((await chats.send(url, `hello ${count}`, headers)).status).toBe(200);
    // All twenty at the one that the client named would be one chance in a million.
    expect(second?.engine.counters().finishedRequests).toBeGreaterThan(before);
  };

  it('istio: the provider in the README and the EnvoyFilter route exactly, and fail open', async () => {
    await using gateway = await startGateway({
      patches: await patchesOf('istio/envoyfilter.yaml'),
      provider: await providerOf('istio/README.md'),
      engineService: 'vllm-qwen.llm.svc.cluster.local',
      consultService: 'warmroute.llm.svc.cluster.local',
    });
    await expectAsPromised(gateway.url, 'Istio');
  });

  it('kubeflow: the EnvoyFilter of the shared gateway routes exactly, and fails open', async () => {
    await using gateway = await startGateway({
      patches: await patchesOf('kubeflow/gateway-policies/envoyfilter.yaml'),
      provider: null,
      engineService: 'vllm-qwen.alice.svc.cluster.local',
      consultService: 'warmroute.warmroute.svc.cluster.local',
    });
    await expectAsPromised(gateway.url, 'Kubeflow');
  });
});
