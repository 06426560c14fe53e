import { describe, expect, it } from '@jest/globals';
import { Subscriber } from 'zeromq';
import { createEngine, type EngineOptions } from '../../sidecar/simulator/index.ts';
import { tapEvents, tokenIdTokenizer } from '../support/engine-harness.ts';
import { postJson } from '../support/http.ts';

const startEngine = async (options: Partial<EngineOptions> = {}) => {
  const engine = createEngine({ tokenizer: tokenIdTokenizer, model: 'tiny', timeScale: 0, ...options });
  const addresses = await engine.start();
  const url = `http://${addresses.address}`;
  return {
    engine,
    addresses,
    url,
    complete: (promptTokens: number, more: Readonly<Record<string, unknown>> = {}) =>
      postJson(`${url}/v1/completions`, {
        prompt: Array.from({ length: promptTokens }, (_, index) => 100 + index),
        max_tokens: 1,
        ...more,
      }),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
};

/** Reads from a stream until its first bytes are there. */
const firstBytes = async (response: Response) => {
  const reader = response.body?.getReader();
  await reader?.read();
  return reader;
};

const slow: Partial<EngineOptions> = { timeScale: 1, stepTimes: { stepBaseMs: 5 } };

describe('an engine', () => {
  it('frees the blocks of a client that goes away', async () => {
    await using bench = await startEngine(slow);
    const client = new AbortController();
    const response = await fetch(`${bench.url}/v1/completions`, {
      method: 'POST',
      body: JSON.stringify({ prompt: [1, 2, 3], max_tokens: 10_000, stream: true }),
      signal: client.signal,
    });
    await firstBytes(response);
    expect(bench.engine.counters().runningRequests).toBe(1);
    client.abort();
    // A short request ends after the step in which the engine saw the first one go, or one later.
    while (bench.engine.counters().runningRequests > 0) await (await bench.complete(5)).text();
    expect(bench.engine.counters()).toMatchObject({ runningRequests: 0, abortedRequests: 1 });
  });

  it('killed in mid-answer cuts the connection and comes back empty at the same addresses', async () => {
    await using bench = await startEngine(slow);
    const reader = await firstBytes(await bench.complete(40, { max_tokens: 10_000, stream: true }));
    await bench.engine.kill();
    const rest = async () => {
      while (!(await reader?.read())?.done);
    };
    await expect(rest()).rejects.toThrow();
    await expect(bench.complete(5)).rejects.toThrow();
    expect(await bench.engine.start()).toEqual(bench.addresses);
    expect([bench.engine.blocks(), bench.engine.lastSequence()]).toEqual([[], null]);
    expect((await bench.complete(5)).status).toBe(200);
  });

  it('stopped gives its requests up and answers them', async () => {
    await using bench = await startEngine(slow);
    const response = await bench.complete(40, { max_tokens: 10_000, stream: true });
    await bench.engine.stop();
    const text = await response.text();
    expect(text).toContain('"finish_reason":"abort"');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    await expect(bench.complete(5)).rejects.toThrow();
  });

  it.each([
    { version: '0.32.0', restart: {}, areHashesEqual: true },
    { version: '0.23.0', restart: {}, areHashesEqual: false },
    { version: '0.32.0', restart: { hashes: 'fresh' }, areHashesEqual: false },
    { version: '0.23.0', restart: { hashes: 'same' }, areHashesEqual: true },
  ] as const)('of $version restarted with $restart keeps its hashes: $areHashesEqual', async (given) => {
    await using bench = await startEngine({ version: given.version });
    await bench.complete(20);
    const [before] = bench.engine.blocks();
    await bench.engine.restart(given.restart);
    expect(bench.engine.blocks()).toEqual([]);
    await using tap = await tapEvents(bench.engine, bench.addresses.eventsAddress);
    await bench.complete(20);
    const [message] = await tap.received(1);
    const [after] = bench.engine.blocks();
    expect(message?.sequence).toBe(0);
    expect(after?.prefixTokenIds).toEqual(before?.prefixTokenIds);
    expect(after?.hash === before?.hash).toBe(given.areHashesEqual);
  });

  it('reconnects a subscriber that was there before a restart', async () => {
    await using bench = await startEngine();
    await using tap = await tapEvents(bench.engine, bench.addresses.eventsAddress);
    await bench.complete(20);
    await bench.engine.restart();
    await bench.engine.subscribed(1);
    await bench.complete(20);
    expect((await tap.received(2)).map(({ sequence }) => sequence)).toEqual([0, 0]);
  });

  it('refuses connections until told otherwise, and keeps what is under way', async () => {
    await using bench = await startEngine(slow);
    const underWay = await bench.complete(5, { max_tokens: 20, stream: true });
    await bench.engine.setFaults({ refusesConnections: true });
    await expect(bench.complete(5)).rejects.toThrow();
    expect((await underWay.text()).endsWith('data: [DONE]\n\n')).toBe(true);
    await bench.engine.setFaults({ refusesConnections: false });
    expect((await bench.complete(5)).status).toBe(200);
  });

  it('describes its blocks by their whole prefix, adapter and salt', async () => {
    await using bench = await startEngine({ loraAdapters: ['adapter'] });
    await bench.complete(40, { model: 'adapter', cache_salt: 's' });
    const blocks = bench.engine.blocks().toSorted((a, b) => a.prefixTokenIds.length - b.prefixTokenIds.length);
    expect(blocks.map(({ prefixTokenIds }) => prefixTokenIds.length)).toEqual([16, 32]);
    expect(blocks[1]?.prefixTokenIds).toEqual(Int32Array.from({ length: 32 }, (_, index) => 100 + index));
    expect(blocks[1]).toMatchObject({ loraName: 'adapter', salt: 's', copies: 1 });
  });

  it('drops, delays and repeats batches as its faults say, over a restart too', async () => {
    await using bench = await startEngine();
    await bench.engine.setFaults({ drop: (sequence) => sequence === 0 });
    await bench.engine.restart();
    await using tap = await tapEvents(bench.engine, bench.addresses.eventsAddress);
    await bench.complete(20);
    await bench.complete(40);
    expect((await tap.received(1)).map(({ sequence }) => sequence)).toEqual([1]);
    expect(bench.engine.lastSequence()).toBe(1);
  });

  it('gives ranks ports in a row and each its own stream', async () => {
    await using bench = await startEngine({ ranks: 3 });
    const { ranks } = bench.addresses;
    const ports = ranks.map(({ eventsAddress }) => Number(eventsAddress.split(':').at(-1)));
    const [first = 0] = ports;
    expect(ports).toEqual([first, first + 1, first + 2]);
    await fetch(`${bench.url}/v1/completions`, {
      method: 'POST',
      headers: { 'x-data-parallel-rank': '2' },
      body: JSON.stringify({ prompt: Array.from({ length: 20 }, (_, index) => index), max_tokens: 1 }),
    });
    expect([0, 1, 2].map((rank) => bench.engine.lastSequence(rank))).toEqual([null, null, 0]);
    expect(() => bench.engine.blocks(3)).toThrow('[invalid-argument]');
  });

  it('dials a subscriber that binds', async () => {
    const subscriber = new Subscriber({ linger: 0 });
    subscriber.subscribe('');
    await subscriber.bind('tcp://127.0.0.1:*');
    const eventsAddress = subscriber.lastEndpoint ?? '';
    await using bench = await startEngine({ eventsAddress, eventsSocket: 'connect' });
    expect(bench.addresses.eventsAddress).toBe(eventsAddress);
    // A bound SUB tells a new peer what it wants only while it waits for messages.
    const first = subscriber.receive();
    await bench.engine.subscribed(1);
    await bench.complete(20);
    expect((await first)[1]).toEqual(Buffer.alloc(8));
    subscriber.close();
  });

  it.each([{ eventsAddress: 'tcp://nowhere' }, { replayAddress: 'nonsense' }, { port: 1, host: '203.0.113.1' }])(
    'does not start at %j',
    async (options) => {
      await using engine = createEngine({ tokenizer: tokenIdTokenizer, ...options });
      await expect(engine.start()).rejects.toThrow('[listen-failed]');
    },
  );

  it('has no ranks above 0 without ports to count up', async () => {
    await using engine = createEngine({ tokenizer: tokenIdTokenizer, ranks: 2, eventsAddress: 'inproc://engine' });
    await expect(engine.start()).rejects.toThrow('[invalid-argument]');
  });

  it('has no replay socket where none is wanted', async () => {
    await using bench = await startEngine({ replayAddress: null });
    expect(bench.addresses.replayAddress).toBeNull();
  });

  it('does not start on ports that are taken', async () => {
    await using bench = await startEngine();
    const { address } = bench.addresses;
    const port = Number(address.split(':').at(-1));
    await using second = createEngine({ tokenizer: tokenIdTokenizer, port });
    await expect(second.start()).rejects.toThrow('[listen-failed]');
  });

  it.each([
    { blocks: 1 },
    { blockSize: 0 },
    { blocks: 3, blockSize: 16, maxModelTokens: 33 },
    { timeScale: -1 },
    { ranks: 0 },
  ])('is not made with %j', (options) => {
    expect(() => createEngine({ tokenizer: tokenIdTokenizer, ...options })).toThrow('[invalid-argument]');
  });
});
