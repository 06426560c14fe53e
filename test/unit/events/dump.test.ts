import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { endpointId, SidecarError } from '../../../sidecar/core/index.ts';
import { RecordWriter, recordKind } from '../../../sidecar/events/dump/dump-records.ts';
import { keyProbe } from '../../../sidecar/events/dump/dump-shapes.ts';
import {
  checkDump,
  type DumpedEndpoint,
  openDump,
  type StreamPosition,
  writeDump,
} from '../../../sidecar/events/index.ts';
import { createPrefixIndex, type DumpablePrefixIndex, type Holder } from '../../../sidecar/kvindex/index.ts';
import { stored, tokens } from '../../support/block-events.ts';
import { endlessTurn, streamEndpoint } from '../../support/stream-harness.ts';

const keySeed = { lo: 3, hi: 4 };
const position: StreamPosition = {
  last: 7,
  firstTimestamp: 1,
  lastTimestamp: 2.5,
  marks: [6, -5, 7, 9],
  appliedBatches: 8,
  lostBatches: 0,
  storedBlocks: 4,
  orphanedBlocks: 0,
};

const filled = (blocks: number): { index: DumpablePrefixIndex; holder: Holder } => {
  const index = createPrefixIndex({ keySeed });
  const holder = index.addHolder(endpointId('pool/a'));
  const keys = Array.from({ length: blocks }, (_, block) => block + 1);
  index.store(holder, stored({ keys, tokenIds: tokens(4 * blocks) }));
  return { index, holder };
};

type Source = Parameters<typeof writeDump>[0]['sources'][number];

const source = (changes: Partial<Source> = {}): Source => ({
  endpoint: streamEndpoint('a'),
  ...filled(40),
  startedAtSeconds: 0.5,
  position: () => position,
  ...changes,
});

const write = (sources: readonly Source[]): AsyncGenerator<Uint8Array> =>
  writeDump({ sources, keySeed, instance: 'me', writtenAtMs: 5, turns: endlessTurn });

const collect = async <Value>(values: AsyncIterable<Value>): Promise<readonly Value[]> => {
  const collected: Value[] = [];
  for await (const value of values) collected.push(value);
  return collected;
};

const bytesOf = async (sources: readonly Source[]): Promise<Buffer> => Buffer.concat(await collect(write(sources)));

/** The bytes in chunks of a size that fits nothing. */
async function* chunked(bytes: Uint8Array, chunkBytes = 1009): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

const read = async (bytes: Uint8Array, chunkBytes?: number): Promise<readonly DumpedEndpoint[]> =>
  collect((await openDump(chunked(bytes, chunkBytes))).endpoints);

const codeOf = async (reading: Promise<unknown>): Promise<string> => {
  try {
    await reading;
  } catch (failure) {
    if (failure instanceof SidecarError) return failure.code;
    throw failure;
  }
  return 'no error';
};

describe('a dump of endpoints', () => {
  it('brings back each endpoint with its position and what its index held', async () => {
    const second = source({ endpoint: streamEndpoint('b', { rank: 3, address: '10.0.0.7:8000' }), ...filled(5000) });
    const [a, b, ...rest] = await read(await bytesOf([source(), second]));
    expect(rest).toEqual([]);
    expect(a).toMatchObject({
      id: 'pool/a',
      address: '127.0.0.1:8001',
      rank: 0,
      engine: 'vllm',
      startedAtSeconds: 0.5,
      position,
    });
    expect(b).toMatchObject({ id: 'pool/b', address: '10.0.0.7:8000', rank: 3 });
    const index = createPrefixIndex({ keySeed });
    const holder = index.addHolder(endpointId('pool/b'));
    for (const _ of index.loadHolder(holder, b?.content ?? new Uint8Array()));
    expect(index.blocksOf(holder)).toBe(5000);
  });

  it('says by whom and when it was written, and under which key seed', async () => {
    const { head } = await openDump(write([]));
    expect(head).toMatchObject({ instance: 'me', writtenAtMs: 5, keySeed });
  });

  it('gives the position as of the last piece', async () => {
    let last = 0;
    const moving = source({ position: () => ({ ...position, last: ++last }) });
    const pieces = [...moving.index.dumpHolder(moving.holder)].length;
    const [a] = await read(await bytesOf([moving]));
    // Once before the first piece, once with each.
    expect(a?.position.last).toBe(1 + pieces);
  });

  it('leaves out an endpoint of which nothing is known, or that was cleared or went meanwhile', async () => {
    const { index, holder } = filled(40);
    let looks = 0;
    const cleared = source({
      index,
      holder,
      position: () => {
        looks += 1;
        if (looks === 3) index.clear(holder);
        return position;
      },
    });
    const doubted = source({ position: () => (++looks % 2 === 0 ? null : position) });
    const unknown = source({ holder: 9 as Holder }); // stands for one that was never given out
    const dumped = await read(await bytesOf([source({ position: () => null }), cleared, unknown, doubted, source()]));
    expect(dumped.length).toBeLessThanOrEqual(2);
    expect(dumped.at(-1)).toMatchObject({ id: 'pool/a', position });
  });

  it('passes on a failure that is not the endpoint’s', async () => {
    const broken = source({
      position: () => {
        throw new TypeError('broken');
      },
    });
    await expect(bytesOf([broken])).rejects.toThrow('broken');
  });

  it('gives up the index’s journal when it is not read to its end', async () => {
    const one = source(filled(20_000));
    const dump = write([one]);
    for (let piece = 0; piece < 4; piece += 1) await dump.next();
    await dump.return(undefined);
    const whole = await bytesOf([one]);
    await expect(read(whole)).resolves.toHaveLength(1);
  });
});

describe('a dump that is of no use', () => {
  it('is refused wherever it is cut off', async () => {
    const bytes = await bytesOf([source()]);
    for (let length = 0; length < bytes.length; length += 7) {
      expect(await codeOf(read(bytes.subarray(0, length)))).toBe('invalid-argument');
    }
  });

  it('is refused wherever a bit is changed', async () => {
    const bytes = await bytesOf([source()]);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 7 }), async (at, bit) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
        expect(await codeOf(read(damaged, 64 * 1024))).toBe('invalid-argument');
      }),
      { numRuns: 500 },
    );
  });

  it('is refused when it is no dump at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await codeOf(read(bytes))).toBe('invalid-argument');
      }),
    );
  });

  const endpoint = { id: 'p/a', address: '1:1', rank: 0, engine: 'vllm', startedAtSeconds: null, expectedBytes: 0 };
  const head = { instance: 'me', writtenAtMs: 0, keySeed, keyProbe: keyProbe(keySeed) };
  const kind = recordKind;

  it.each<readonly [string, string, readonly (readonly [number, unknown])[]]>([
    ['without a head', 'it has no head', []],
    ['that begins with something else', 'it has no head', [[kind.endpoint, endpoint]]],
    ['with a head that is no JSON', 'a record is no JSON', [[kind.head, Buffer.from('{')]]],
    [
      'with a head that lacks something',
      'a record has a wrong keyProbe',
      [[kind.head, { ...head, keyProbe: undefined }]],
    ],
    ['whose keys are made in another way', 'computed in another way', [[kind.head, { ...head, keyProbe: '1:2' }]]],
    [
      'with a piece of nothing',
      'out of place',
      [
        [kind.head, head],
        [kind.piece, Buffer.alloc(4)],
      ],
    ],
    [
      'with an endpoint in another',
      'has no end',
      [
        [kind.head, head],
        [kind.endpoint, endpoint],
        [kind.endpoint, endpoint],
      ],
    ],
    [
      'with an endpoint without an end',
      'has no end',
      [
        [kind.head, head],
        [kind.endpoint, endpoint],
      ],
    ],
    [
      'with a record of another kind',
      'of an unknown kind',
      [
        [kind.head, head],
        [kind.endpoint, endpoint],
        [99, {}],
      ],
    ],
    [
      'with a position that cannot be',
      'a record has a wrong marks',
      [
        [kind.head, head],
        [kind.endpoint, endpoint],
        [kind.position, { ...position, marks: [1] }],
      ],
    ],
  ])('is refused %s', async (_, what, records) => {
    const writer = new RecordWriter();
    const bytes = [writer.preface()];
    for (const [of, value] of records) {
      bytes.push(value instanceof Uint8Array ? writer.record(of, value) : writer.json(of, value));
    }
    bytes.push(writer.record(kind.end));
    await expect(read(Buffer.concat(bytes))).rejects.toThrow(what);
  });

  it('is refused by a check that only reads', async () => {
    const bytes = await bytesOf([source()]);
    await expect(checkDump(chunked(bytes))).resolves.toBeUndefined();
    expect(await codeOf(checkDump(chunked(bytes.subarray(0, -1))))).toBe('invalid-argument');
  });

  it('names another version', async () => {
    const bytes = await bytesOf([]);
    bytes.writeUInt32LE(2, 8);
    await expect(read(bytes)).rejects.toThrow('version 2, not 1');
  });

  it('passes on what its source fails with', async () => {
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield* [];
      throw new SidecarError('unavailable', 'refused');
    };
    expect(await codeOf(openDump(failing()))).toBe('unavailable');
  });
});
