import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createKubernetesApi, type KubernetesApi, type WatchEvent } from '../../../../sidecar/discovery/index.ts';
import { FakeKubernetes } from '../../../support/fake-kubernetes.ts';
import { collections, service } from '../../../support/fake-kubernetes-objects.ts';
import { serveFakeKubernetes } from '../../../support/fake-kubernetes-server.ts';

const { services } = collections;
const never = new AbortController().signal;

const connected = async (fake = new FakeKubernetes()) => {
  const server = await serveFakeKubernetes(fake);
  process.env['KUBECONFIG'] = server.kubeconfig;
  const api = await createKubernetesApi();
  return { fake, server, api, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
};

/** Follows a watch; `next` resolves with its next line. */
const follow = (api: KubernetesApi, version: string) => {
  const stopping = new AbortController();
  const lines: WatchEvent[] = [];
  const opened = Promise.withResolvers<void>();
  let wake = () => {};
  const ended = api.watch(
    services,
    { resourceVersion: version },
    {
      signal: stopping.signal,
      onOpen: opened.resolve,
      onEvent: (event) => {
        lines.push(event);
        wake();
      },
    },
  );
  ended.catch(() => {});
  const next = async (): Promise<WatchEvent> => {
    for (;;) {
      const line = lines.shift();
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { next, ended, opened: opened.promise, stop: () => stopping.abort() };
};

describe('Kubernetes client', () => {
  const before = process.env['KUBECONFIG'];
  beforeAll(async () => void (await import('@kubernetes/client-node')));
  afterAll(() => {
    if (before === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = before;
  });

  it('reads pages with the token from its file, and knows its own namespace', async () => {
    await using world = await connected();
    for (const name of ['a', 'b', 'c']) world.fake.put(services, service(name));
    const first = await world.api.list(services, { limit: '2' }, never);
    expect(first.items).toHaveLength(2);
    const second = await world.api.list(services, { limit: '2', continue: first.continueToken ?? '' }, never);
    expect(second).toMatchObject({ items: [{ metadata: { name: 'c' } }], continueToken: null, resourceVersion: '4' });
    expect(new Set(world.server.tokens)).toEqual(new Set(['first']));
    expect(world.api.ownNamespace).toBe('llm');
  });

  it.each([1, 7, 4096])('reads the lines of a watch that comes in pieces of %d bytes', async (cutAt) => {
    await using world = await connected();
    const text = ['ADDED', 'MODIFIED', 'NEWS', 'DELETED', 'BOOKMARK']
      .map((type) => `${JSON.stringify({ type, object: { metadata: { name: `ü-${type}` } } })}\n`)
      .join('\n');
    world.server.sendRaw(text, { cutAt });
    const watch = follow(world.api, '1');
    for (const type of ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'])
      expect(await watch.next()).toEqual({ type, object: { metadata: { name: `ü-${type}` } } });
    watch.stop();
    await expect(watch.ended).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('resolves when the server ends a watch, rejects when the connection breaks', async () => {
    await using world = await connected();
    const ended = follow(world.api, '1');
    await ended.opened;
    world.fake.endWatches('cleanly');
    await expect(ended.ended).resolves.toBeUndefined();
    const broken = follow(world.api, '1');
    await broken.opened;
    world.server.cutConnections();
    await expect(broken.ended).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('rejects a watch whose line is not JSON', async () => {
    await using world = await connected();
    world.server.sendRaw('{"type":"ADDED",\n', { cutAt: 100 });
    await expect(follow(world.api, '1').ended).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([401, 403, 404, 410, 429, 500])('gives status %d with what the server says', async (status) => {
    await using world = await connected();
    world.fake.refuse(services, status);
    const outcome = world.api.list(services, {}, never);
    await expect(outcome).rejects.toMatchObject({ code: 'unavailable', details: { status } });
    await expect(outcome).rejects.toThrow(`refused with ${status}`);
  });

  it('uses a rotated token at once after the old one was refused', async () => {
    await using world = await connected();
    await world.api.list(services, {}, never);
    await world.server.setToken('second', { isFileRotated: true });
    await expect(world.api.list(services, {}, never)).rejects.toMatchObject({ details: { status: 401 } });
    await expect(world.api.list(services, {}, never)).resolves.toMatchObject({ items: [] });
    expect(world.server.tokens).toEqual(['first', 'first', 'second']);
  });

  it('counts any answer to a ping as life', async () => {
    await using world = await connected();
    await world.server.setToken('other', { isFileRotated: false });
    await expect(world.api.ping(never)).resolves.toBeUndefined();
  });

  it('rejects a ping of a server that is gone, with its credentials or without', async () => {
    const world = await connected();
    world.server.cutConnections();
    world.fake.goAway();
    await expect(world.api.ping(never)).rejects.toMatchObject({ code: 'unavailable' });
    await world[Symbol.asyncDispose]();
    await expect(world.api.ping(never)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('gives up a request whose signal is aborted while the server is silent', async () => {
    await using world = await connected();
    world.fake.fallSilent();
    const stopping = new AbortController();
    const outcome = expect(world.api.list(services, {}, stopping.signal)).rejects.toMatchObject({
      code: 'unavailable',
    });
    stopping.abort();
    await outcome;
  });

  it('leaves an object that exists already as it is', async () => {
    await using world = await connected();
    await world.api.create('/api/v1/namespaces/llm/events', { kind: 'Event' }, never);
    world.fake.refuse('/api/v1/namespaces/llm/events', 409);
    await expect(world.api.create('/api/v1/namespaces/llm/events', {}, never)).resolves.toBeUndefined();
    world.fake.refuse('/api/v1/namespaces/llm/events', 403);
    await expect(world.api.create('/api/v1/namespaces/llm/events', {}, never)).rejects.toMatchObject({
      details: { status: 403 },
    });
  });

  it('says so where there are no credentials', async () => {
    process.env['KUBECONFIG'] = '/nowhere/config';
    await expect(createKubernetesApi()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('loads the client library only when it is asked to', async () => {
    const script = `
      const { registerHooks } = await import('node:module');
      const loaded = [];
      registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
      await import('./sidecar/discovery/index.ts');
      console.log(JSON.stringify({ all: loaded.length, library: loaded.filter((url) => url.includes('client-node')).length }));`;
    const output = await new Promise<string>((resolve, reject) => {
      const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script];
      execFile(process.execPath, args, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
    });
    const { all, library }: { readonly all: number; readonly library: number } = JSON.parse(output);
    expect(all).toBeGreaterThan(10);
    expect(library).toBe(0);
  });
});
