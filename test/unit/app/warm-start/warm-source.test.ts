import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createSourceFinder, type WarmSource } from '../../../../sidecar/app/warm-start/warm-source.ts';
import { SidecarError } from '../../../../sidecar/core/index.ts';
import { writeDump } from '../../../../sidecar/events/index.ts';
import type { KeySeed } from '../../../../sidecar/kvindex/index.ts';
import { startServer } from '../../../support/http-load.ts';
import { endlessTurn } from '../../../support/stream-harness.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const keySeed = { lo: 1, hi: 2 };
const me = { instance: 'me', signal: new AbortController().signal };

const emptyDump = async (instance: string, seed: KeySeed = keySeed): Promise<Buffer> => {
  const pieces: Uint8Array[] = [];
  const dump = writeDump({ sources: [], keySeed: seed, instance, writtenAtMs: 0, turns: endlessTurn });
  for await (const piece of dump) pieces.push(piece);
  return Buffer.concat(pieces);
};

const find = async (config: Partial<Parameters<typeof createSourceFinder>[0]>): Promise<readonly WarmSource[]> => {
  const finder = createSourceFinder({ peers: [], peerService: null, file: null, ...config });
  return finder === null ? [] : finder(() => keySeed);
};

const onlySource = async (config: Parameters<typeof find>[0]): Promise<WarmSource> => {
  const [source, ...rest] = await find(config);
  if (source === undefined || rest.length > 0) throw new Error('not exactly one source');
  return source;
};

/** What reading comes to: the number of endpoints, or the code of its failure. */
const readingOf = async (source: WarmSource): Promise<number | string> => {
  let count = 0;
  try {
    for await (const _ of source.read(['a'], me)) count += 1;
    return count;
  } catch (failure) {
    if (failure instanceof SidecarError) return failure.code;
    throw failure;
  }
};

describe('sources of a warm start', () => {
  it('are none where none are configured', async () => {
    expect(createSourceFinder({ peers: [], peerService: null, file: null })).toBeNull();
  });

  it('are the peers, each address of the service, and the file, in this order', async () => {
    const sources = await find({ peers: ['http://10.0.0.1:9090/'], peerService: 'localhost:9090', file: '/f' });
    expect(sources.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['http://10.0.0.1:9090', 'http://127.0.0.1:9090', '/f']),
    );
    expect(sources.at(0)).toMatchObject({ kind: 'peer', name: 'http://10.0.0.1:9090' });
    expect(sources.at(-1)).toMatchObject({ kind: 'file', name: '/f' });
  });

  it('know nothing where the service has no name or names cannot be resolved', async () => {
    const sources = await find({ peerService: 'no-such-name.invalid:9090' });
    expect(sources.length).toBeLessThanOrEqual(1);
    for (const source of sources) expect(await readingOf(source)).toBe('unavailable');
  });

  it('asks a peer for at most 50 endpoints at a time', async () => {
    const paths: string[] = [];
    const dump = await emptyDump('peer');
    const server = await startServer((request, response) => {
      paths.push(request.url ?? '');
      response.end(dump);
    });
    const source = await onlySource({ peers: [`http://${server.address}`] });
    const ids = Array.from({ length: 120 }, (_, at) => `pool/e${at}`);
    for await (const _ of source.read(ids, me));
    await expect(source.keySeed(me)).resolves.toEqual(keySeed);
    server.close();
    expect(paths.map((path) => path.split('endpoint=').length - 1)).toEqual([50, 50, 20, 0]);
    expect(paths.at(-1)).toBe('/api/v1/dump?head=true');
  });

  it.each<readonly [string, () => Promise<Buffer>, number | string, KeySeed | null | string]>([
    ['itself', () => emptyDump('me'), 0, null],
    ['a peer', () => emptyDump('peer'), 0, keySeed],
    ['a peer with another key seed', () => emptyDump('peer', { lo: 7, hi: 7 }), 'invalid-argument', { lo: 7, hi: 7 }],
    ['something else', async () => Buffer.from('<html>'), 'invalid-argument', 'invalid-argument'],
  ])('tells %s by its dump', async (_, dump, reading, seed) => {
    const bytes = await dump();
    const server = await startServer((_request, response) => void response.end(bytes));
    const source = await onlySource({ peers: [`http://${server.address}`] });
    expect(await readingOf(source)).toBe(reading);
    const told = await source.keySeed(me).catch(({ code }: SidecarError) => code);
    server.close();
    expect(told).toEqual(seed);
  });

  it('is unavailable where a peer refuses or is not there', async () => {
    const server = await startServer((_request, response) => void response.writeHead(503).end('{}'));
    expect(await readingOf(await onlySource({ peers: [`http://${server.address}`] }))).toBe('unavailable');
    server.close();
    expect(await readingOf(await onlySource({ peers: [`http://${server.address}`] }))).toBe('unavailable');
  });

  it('reads a file, or nothing where there is none', async () => {
    await using folder = await temporaryFolder({});
    const file = join(folder.path, 'warm');
    const source = await onlySource({ file });
    expect(await readingOf(source)).toBe(0);
    await expect(source.keySeed(me)).resolves.toBeNull();
    await writeFile(file, await emptyDump('before'));
    expect(await readingOf(source)).toBe(0);
    await expect(source.keySeed(me)).resolves.toEqual(keySeed);
    await writeFile(file, (await emptyDump('before')).subarray(0, -1));
    expect(await readingOf(source)).toBe('invalid-argument');
    expect(await readingOf(await onlySource({ file: folder.path }))).toBe('unavailable');
  });
});
