import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { resolveTokenizer, type TokenizerSourceOptions } from '../../../../sidecar/prompt/source/resolve-tokenizer.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { type FakeHubOptions, startFakeHub } from '../../../support/fake-hub.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const id = 'Qwen/Qwen2.5-7B-Instruct';
const commit = '0123456789abcdef0123456789abcdef01234567';
const files = {
  'tokenizer.json': '{"model":{"type":"BPE"}}',
  'tokenizer_config.json': '{"eos_token":"<|im_end|>"}',
  'chat_template.jinja': '{{ messages }}',
};

const setUp = async (changes: Partial<FakeHubOptions> = {}) => {
  const folder = await temporaryFolder({});
  const hub = await startFakeHub({ models: { [id]: files }, commit, ...changes });
  const clock = createFakeClock();
  const cacheFolder = join(folder.path, 'cache');
  const stopping = new AbortController();
  const options: TokenizerSourceOptions = {
    tokenizer: id,
    modelsFolder: null,
    cacheFolder,
    hub: { url: hub.url, token: null },
    fetch,
    clock,
    signal: stopping.signal,
  };
  return {
    folder: folder.path,
    hub,
    clock,
    cacheFolder,
    stop: () => stopping.abort(),
    resolve: (more: Partial<TokenizerSourceOptions> = {}) => resolveTokenizer({ ...options, ...more }),
    [Symbol.asyncDispose]: async () => {
      await hub[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
};

const makeModel = async (folder: string): Promise<string> => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'tokenizer.json'), '{}');
  return folder;
};

const snapshotIn = (cache: string): string => join(cache, 'models--Qwen--Qwen2.5-7B-Instruct', 'snapshots', commit);

describe('the source of a tokenizer', () => {
  it('is the folder that is named, before anything else', async () => {
    await using world = await setUp();
    const folder = await makeModel(join(world.folder, 'mine'));
    expect(await world.resolve({ tokenizer: folder })).toMatchObject({ folder, origin: 'folder' });
    expect(world.hub.seen).toEqual([]);
  });

  it.each(['Qwen/Qwen2.5-7B-Instruct', 'Qwen2.5-7B-Instruct'])('is %s below the mounted folder', async (name) => {
    await using world = await setUp();
    const modelsFolder = join(world.folder, 'models');
    const folder = await makeModel(join(modelsFolder, name));
    expect(await world.resolve({ modelsFolder })).toMatchObject({ folder, origin: 'mounted' });
    expect(world.hub.seen).toEqual([]);
  });

  it('is a cache that an engine filled, with its links', async () => {
    await using world = await setUp();
    const snapshot = snapshotIn(world.cacheFolder);
    const blob = join(world.folder, 'blob');
    await writeFile(blob, '{}');
    await mkdir(snapshot, { recursive: true });
    await symlink(blob, join(snapshot, 'tokenizer.json'));
    const references = join(world.cacheFolder, 'models--Qwen--Qwen2.5-7B-Instruct', 'refs');
    await mkdir(references);
    await writeFile(join(references, 'main'), `${commit}\n`);
    expect(await world.resolve()).toMatchObject({ folder: snapshot, origin: 'cache' });
    expect(await world.resolve({ tokenizer: `${id}@${commit}` })).toMatchObject({ folder: snapshot, origin: 'cache' });
    expect(world.hub.seen).toEqual([]);
  });

  it('is the hub where nothing is at hand; every file is of one commit', async () => {
    await using world = await setUp();
    const source = await world.resolve();
    expect(source).toEqual({
      folder: snapshotIn(world.cacheFolder),
      origin: 'hub',
      detail: `hub: ${snapshotIn(world.cacheFolder)}`,
      isWorthRetrying: false,
    });
    expect((await readdir(source.folder ?? '')).sort()).toEqual(Object.keys(files).sort());
    expect(await readFile(join(source.folder ?? '', 'tokenizer.json'), 'utf8')).toBe(files['tokenizer.json']);
    const [first, ...rest] = world.hub.seen.map(({ method, path }) => `${method} ${path}`);
    expect(first).toBe(`HEAD /${id}/resolve/main/tokenizer.json`);
    expect(rest.every((line) => line.startsWith(`GET /${id}/resolve/${commit}/`))).toBe(true);
  });

  it('is the cache the second time, without asking the hub', async () => {
    await using world = await setUp();
    await world.resolve();
    const before = world.hub.seen.length;
    expect(await world.resolve({ hub: null })).toMatchObject({ origin: 'cache' });
    expect(await world.resolve()).toMatchObject({ origin: 'cache' });
    expect(world.hub.seen).toHaveLength(before);
  });

  it('never tries the hub while offline', async () => {
    await using world = await setUp();
    const source = await world.resolve({ hub: null, modelsFolder: join(world.folder, 'none') });
    expect(source).toMatchObject({ folder: null, origin: null, isWorthRetrying: false });
    expect(source.detail).toMatch(/^mounted: no Qwen.*; cache: no Qwen.*; hub: offline, not tried$/);
    expect(world.hub.seen).toEqual([]);
  });

  it('shows the token to the hub and to nobody that it points at', async () => {
    await using world = await setUp({ token: 'hf_secret' });
    const source = await world.resolve({ hub: { url: world.hub.url, token: 'hf_secret' } });
    expect(source.origin).toBe('hub');
    expect(new Set(world.hub.seen.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer hf_secret']));
    expect(world.hub.seenByStore.map(({ authorization }) => authorization)).toEqual([null]);
  });

  it.each([
    ['wants a token', { token: 'x' }, 'the hub asks for a token', false],
    ['refuses the token', { status: 403 }, 'the token may not read this model', false],
    ['does not know the model', { models: {} }, `the hub has no ${id} with a tokenizer.json at revision main`, false],
    ['is busy', { status: 429 }, 'takes no more requests for now', true],
    ['is broken', { status: 503 }, 'the hub answered 503', true],
  ])('is none where the hub %s, and says so', async (_, changes, text, isWorthRetrying) => {
    await using world = await setUp(changes);
    const source = await world.resolve();
    expect(source).toMatchObject({ folder: null, isWorthRetrying, detail: expect.stringContaining(text) });
  });

  it('is none where the hub cannot be reached', async () => {
    await using world = await setUp();
    await world.hub[Symbol.asyncDispose]();
    expect(await world.resolve()).toMatchObject({ folder: null, isWorthRetrying: true });
  });

  it('keeps nothing of a download that came short', async () => {
    await using world = await setUp({ sendsShort: true });
    expect(await world.resolve()).toMatchObject({ folder: null, isWorthRetrying: true });
    expect(await readdir(join(snapshotIn(world.cacheFolder), '..'))).toEqual([]);
  });

  it('gives a download up after its time', async () => {
    await using world = await setUp({ isSilent: true });
    const asked = Promise.withResolvers<void>();
    const source = world.resolve({
      timeoutMs: 5000,
      fetch: (url, request) => {
        if (request.method === 'GET') asked.resolve();
        return fetch(url, request);
      },
    });
    await asked.promise;
    await world.clock.advance(5000);
    expect(await source).toMatchObject({ folder: null, detail: expect.stringContaining('hub: it took too long') });
  });

  it('rejects when it is told to stop', async () => {
    await using world = await setUp({ isSilent: true });
    const source = world.resolve({
      fetch: (url, request) => {
        if (request.method === 'GET') world.stop();
        return fetch(url, request);
      },
    });
    await expect(source).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('takes a hub that does not tell commits, by the name of the revision', async () => {
    await using world = await setUp({ commit: null });
    const source = await world.resolve();
    expect(source.folder).toBe(join(world.cacheFolder, 'models--Qwen--Qwen2.5-7B-Instruct', 'snapshots', 'main'));
    expect(await world.resolve({ hub: null })).toMatchObject({ origin: 'cache' });
  });

  it('is found once by two pools at the same time', async () => {
    await using world = await setUp();
    const [first, second] = await Promise.all([world.resolve(), world.resolve()]);
    expect(first?.folder).toBe(second?.folder);
    expect(await readdir(join(snapshotIn(world.cacheFolder), '..'))).toEqual([commit]);
  });

  it.each(['/models/none', '../x', 'a/../b', '..', 'a/b/c', './x', 'https://hub/a/b'])(
    'is none for %s, which is no hub id',
    async (tokenizer) => {
      await using world = await setUp();
      expect(await world.resolve({ tokenizer })).toMatchObject({
        folder: null,
        detail: `folder ${tokenizer}: no tokenizer.json`,
      });
      expect(world.hub.seen).toEqual([]);
    },
  );

  it('is none where none is configured, or nothing may be kept', async () => {
    await using world = await setUp();
    expect(await world.resolve({ tokenizer: null })).toMatchObject({ detail: 'no tokenizer is configured' });
    expect(await world.resolve({ cacheFolder: null })).toMatchObject({
      detail: 'cache and hub: no cache folder is configured',
    });
    expect(world.hub.seen).toEqual([]);
  });
});
