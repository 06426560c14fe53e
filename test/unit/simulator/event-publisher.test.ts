import { describe, expect, it } from '@jest/globals';
import { Dealer, Subscriber } from 'zeromq';
import { seededRandom } from '../../../sidecar/core/index.ts';
import { noFaults } from '../../../sidecar/simulator/engine-faults.ts';
import { createEventEncoder } from '../../../sidecar/simulator/event-encoder.ts';
import { EventPublisher } from '../../../sidecar/simulator/event-publisher.ts';
import type { EngineFaults } from '../../../sidecar/simulator/index.ts';
import { ReplayServer } from '../../../sidecar/simulator/replay-server.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const topic = 'kv@127.0.0.1:8000@tiny';

const startPublisher = async (options: { readonly replayBatches?: number; readonly random?: () => number } = {}) => {
  const clock = createFakeClock();
  const publisher = new EventPublisher({
    encode: createEventEncoder('map'),
    topic,
    rank: 3,
    replayBatches: options.replayBatches ?? 100,
    clock,
    random: options.random ?? seededRandom(1),
  });
  const address = await publisher.start('tcp://127.0.0.1:*', 'bind');
  const socket = new Subscriber({ linger: 0 });
  socket.connect(address);
  socket.subscribe('');
  await publisher.subscribed(1);
  /** The next `count` messages' sequence numbers. */
  const receive = async (count: number) => {
    const sequences: number[] = [];
    while (sequences.length < count) sequences.push(Number((await socket.receive())[1]?.readBigUInt64BE()));
    return sequences;
  };
  const publish = (count: number) => {
    for (let batch = 0; batch < count; batch++) publisher.publish([{ kind: 'cleared' }]);
  };
  return {
    clock,
    publisher,
    socket,
    receive,
    publish,
    setFaults: (faults: Partial<EngineFaults>) => publisher.setFaults({ ...noFaults, ...faults }),
    [Symbol.asyncDispose]: async () => {
      socket.close();
      publisher.stop();
    },
  };
};

describe('a published batch', () => {
  it('has topic, sequence in 8 bytes from 0, and payload with time and rank', async () => {
    await using bench = await startPublisher();
    bench.publish(2);
    const frames = [await bench.socket.receive(), await bench.socket.receive()];
    expect(frames.map(([first]) => first?.toString())).toEqual([topic, topic]);
    expect(frames.map(([, sequence]) => sequence?.toString('hex'))).toEqual(['0000000000000000', '0000000000000001']);
    const expected = createEventEncoder('map')({
      atSeconds: Date.UTC(2026, 0, 1) / 1000,
      events: [{ kind: 'cleared' }],
      rank: 3,
    });
    expect(frames[0]).toHaveLength(3);
    expect(frames[0]?.[2]).toEqual(expected);
    expect(bench.publisher.batches.lastSequence).toBe(1);
  });
});

describe('a fault', () => {
  it.each([
    { faults: { drop: (sequence: number) => sequence === 1 }, expected: [0, 2, 3] },
    { faults: { duplicate: (sequence: number) => sequence === 1 }, expected: [0, 1, 1, 2, 3] },
    { faults: { reorder: (sequence: number) => sequence === 1 }, expected: [0, 2, 1, 3] },
    { faults: { reorder: 1 }, expected: [1, 0, 3, 2] },
    { faults: { drop: 1 }, expected: [] },
  ])('of $faults sends $expected', async ({ faults, expected }) => {
    await using bench = await startPublisher();
    bench.setFaults(faults);
    bench.publish(4);
    bench.setFaults({});
    bench.publish(1);
    expect(await bench.receive(expected.length + 1)).toEqual([...expected, 4]);
  });

  it('strikes the drawn share of batches', async () => {
    const draws = [0.1, 0.9, 0.2, 0.8];
    await using bench = await startPublisher({ random: () => draws.shift() ?? 1 });
    bench.setFaults({ drop: 0.5 });
    bench.publish(4);
    expect(await bench.receive(2)).toEqual([1, 3]);
  });

  it('of delay holds a batch and those behind it back for its time', async () => {
    await using bench = await startPublisher();
    bench.setFaults({ delay: (sequence) => sequence === 1, delayMs: 500 });
    bench.publish(3);
    expect(await bench.receive(1)).toEqual([0]);
    const later = bench.receive(2);
    await bench.clock.advance(499);
    expect(bench.clock.pending).toBe(1);
    await bench.clock.advance(1);
    expect(await later).toEqual([1, 2]);
  });

  it('of stall sends nothing until it ends, then everything in order', async () => {
    await using bench = await startPublisher();
    bench.setFaults({ isStalled: true });
    bench.publish(2);
    expect(bench.publisher.batches.lastSequence).toBe(1);
    bench.setFaults({});
    bench.publish(1);
    expect(await bench.receive(3)).toEqual([0, 1, 2]);
  });
});

/** Asks for a replay and returns the frames of `count` replies. */
const ask = async (address: string, request: readonly Buffer[], count: number) => {
  const dealer = new Dealer({ linger: 0 });
  dealer.connect(address);
  await dealer.send([...request]);
  const replies: (readonly Buffer[])[] = [];
  while (replies.length < count) replies.push(await dealer.receive());
  dealer.close();
  return replies;
};

const startFrame = (sequence: bigint) => {
  const frame = Buffer.alloc(8);
  frame.writeBigUInt64BE(sequence);
  return frame;
};

const empty = Buffer.alloc(0);
const hexOf = (replies: readonly (readonly Buffer[])[]) =>
  replies.map((frames) => frames.slice(0, -1).map((frame) => frame.toString('hex')));

const startReplay = async (options: { readonly replayBatches?: number; readonly replaysTopic?: boolean } = {}) => {
  const bench = await startPublisher(options);
  const replay = new ReplayServer({
    batches: bench.publisher.batches,
    topic,
    replaysTopic: options.replaysTopic ?? true,
  });
  const address = await replay.start('tcp://127.0.0.1:*');
  return {
    ...bench,
    replay,
    address,
    [Symbol.asyncDispose]: async () => {
      replay.stop();
      await bench[Symbol.asyncDispose]();
    },
  };
};

const topicHex = Buffer.from(topic).toString('hex');
const endHex = 'ff'.repeat(8);

describe('a replay', () => {
  it('sends kept batches from the asked one on and an end marker, with topics', async () => {
    await using bench = await startReplay();
    bench.publish(3);
    const replies = await ask(bench.address, [empty, startFrame(1n)], 3);
    expect(hexOf(replies)).toEqual([
      ['', topicHex, '0000000000000001'],
      ['', topicHex, '0000000000000002'],
      ['', '', endHex],
    ]);
    expect(replies[0]?.at(-1)?.length).toBeGreaterThan(0);
    expect(replies[2]?.at(-1)).toHaveLength(0);
  });

  it('sends no topic frame as vLLM up to 0.25', async () => {
    await using bench = await startReplay({ replaysTopic: false });
    bench.publish(1);
    expect(hexOf(await ask(bench.address, [empty, startFrame(0n)], 2))).toEqual([
      ['', '0000000000000000'],
      ['', endHex],
    ]);
  });

  it('begins at the oldest kept batch where the asked one is gone', async () => {
    await using bench = await startReplay({ replayBatches: 2 });
    bench.publish(5);
    expect(hexOf(await ask(bench.address, [empty, startFrame(0n)], 3)).map((frames) => frames.at(-1))).toEqual([
      '0000000000000003',
      '0000000000000004',
      endHex,
    ]);
  });

  it.each([5n, 2n ** 64n - 1n])('from %s, beyond the newest, is the end marker alone', async (start) => {
    await using bench = await startReplay();
    bench.publish(1);
    expect(hexOf(await ask(bench.address, [empty, startFrame(start)], 1))).toEqual([['', '', endHex]]);
  });

  it('does not answer a request without the empty frame, nor one of another length', async () => {
    await using bench = await startReplay();
    const dealer = new Dealer({ linger: 0 });
    dealer.connect(bench.address);
    for (const request of [[startFrame(0n)], [empty, Buffer.alloc(4)], [empty, startFrame(0n), empty]]) {
      await dealer.send(request);
    }
    await dealer.send([empty, startFrame(9n)]);
    expect(hexOf([await dealer.receive()])).toEqual([['', '', endHex]]);
    dealer.close();
  });

  it('can be cut short, without an end marker', async () => {
    await using bench = await startReplay();
    bench.publish(4);
    await bench.replay.setBehaviour('truncated');
    const dealer = new Dealer({ linger: 0 });
    dealer.connect(bench.address);
    await dealer.send([empty, startFrame(0n)]);
    const cut = [await dealer.receive(), await dealer.receive()];
    await bench.replay.setBehaviour('serving');
    await dealer.send([empty, startFrame(9n)]);
    expect(hexOf([...cut, await dealer.receive()]).map((frames) => frames.at(-1))).toEqual([
      '0000000000000000',
      '0000000000000001',
      endHex,
    ]);
    dealer.close();
  });

  it('can be garbage that no decoder takes', async () => {
    await using bench = await startReplay();
    bench.publish(1);
    await bench.replay.setBehaviour('garbage');
    const [odd, batch, end] = await ask(bench.address, [empty, startFrame(0n)], 3);
    expect(odd?.at(-2)).toHaveLength(3);
    expect(batch?.at(-1)?.[0]).toBe(0xc1);
    expect(end?.at(-1)).toHaveLength(0);
  });

  it('can be silent or absent and come back at the same address', async () => {
    await using bench = await startReplay();
    await bench.replay.setBehaviour('silent');
    const dealer = new Dealer({ linger: 0 });
    dealer.connect(bench.address);
    await dealer.send([empty, startFrame(0n)]);
    await bench.replay.setBehaviour('absent');
    await bench.replay.setBehaviour('serving');
    dealer.close();
    expect(hexOf(await ask(bench.address, [empty, startFrame(9n)], 1))).toEqual([['', '', endHex]]);
  });
});
