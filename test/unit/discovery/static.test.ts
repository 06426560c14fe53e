import { describe, expect, it } from '@jest/globals';
import {
  createStaticDiscovery,
  type DiscoveredPool,
  type StaticEndpointOptions,
  type StaticPoolOptions,
} from '../../../sidecar/discovery/index.ts';

const discover = async (
  endpoints: readonly StaticEndpointOptions[],
  changes: Partial<StaticPoolOptions> = {},
): Promise<DiscoveredPool> => {
  const found: DiscoveredPool[] = [];
  const discovery = createStaticDiscovery([{ name: 'qwen', discovery: { static: endpoints }, ...changes }]);
  await discovery.start(new AbortController().signal, (pools) => found.push(...pools));
  const [pool] = found;
  if (pool === undefined) throw new Error('no pool');
  return pool;
};

const endpointsOf = async (...args: Parameters<typeof discover>) =>
  (await discover(...args)).endpoints.map(({ endpoint }) => endpoint);

describe('static discovery', () => {
  it('fills in what engines do by default', async () => {
    expect(await endpointsOf([{ address: '127.0.0.1:8001' }])).toEqual([
      {
        id: 'qwen/127.0.0.1:8001',
        name: '127.0.0.1:8001',
        pool: 'qwen',
        address: '127.0.0.1:8001',
        rank: 0,
        hasRanks: false,
        role: 'both',
        engine: 'vllm',
        eventsAddress: 'tcp://127.0.0.1:5557',
        replayAddress: null,
        metricsUrl: 'http://127.0.0.1:8001/metrics',
      },
    ]);
  });

  it('takes what is configured', async () => {
    const [endpoint] = await endpointsOf(
      [
        {
          name: 'a',
          address: 'engine-a:8000',
          events: 'tcp://engine-a:7000',
          replay: 'tcp://engine-a:7100',
          metrics: 'https://engine-a:9000/prom',
          role: 'decode',
        },
      ],
      { engine: 'sglang' },
    );
    expect(endpoint).toMatchObject({
      id: 'qwen/a',
      name: 'a',
      eventsAddress: 'tcp://engine-a:7000',
      replayAddress: 'tcp://engine-a:7100',
      metricsUrl: 'https://engine-a:9000/prom',
      role: 'decode',
      engine: 'sglang',
    });
  });

  it('makes one endpoint a data-parallel rank and adds the rank to the ports', async () => {
    const ranks = await endpointsOf([
      { name: 'a', address: '10.0.0.1:8000', replay: 'tcp://10.0.0.1:6000', dataParallelSize: 2 },
    ]);
    expect(
      ranks.map(({ id, rank, hasRanks, eventsAddress, replayAddress, metricsUrl }) => [
        id,
        rank,
        hasRanks,
        eventsAddress,
        replayAddress,
        metricsUrl,
      ]),
    ).toEqual([
      ['qwen/a#0', 0, true, 'tcp://10.0.0.1:5557', 'tcp://10.0.0.1:6000', 'http://10.0.0.1:8000/metrics'],
      ['qwen/a#1', 1, true, 'tcp://10.0.0.1:5558', 'tcp://10.0.0.1:6001', 'http://10.0.0.1:8000/metrics'],
    ]);
  });

  it.each([['tcp://*:7000'], ['tcp://0.0.0.0:7000'], ['tcp://[::]:7000']])(
    'reads the wildcard address %s that the engine was told as the engine’s own',
    async (events) => {
      const [endpoint] = await endpointsOf([{ address: '[fd00::1]:8000', events, replay: 'tcp://*:7001' }]);
      expect(endpoint).toMatchObject({
        eventsAddress: 'tcp://[fd00::1]:7000',
        replayAddress: 'tcp://[fd00::1]:7001',
      });
    },
  );

  it('leaves out events and metrics that are switched off', async () => {
    const [endpoint] = await endpointsOf([{ address: 'h:1', events: null, metrics: null }]);
    expect(endpoint).toMatchObject({ eventsAddress: null, metricsUrl: null });
  });

  it('expects no event address where engines dial in', async () => {
    const pool = await discover([{ address: 'h:1' }], { events: { bind: 'tcp://*:5557' } });
    expect(pool.definition.eventsBind).toBe('tcp://*:5557');
    expect(pool.endpoints[0]?.endpoint.eventsAddress).toBeNull();
  });

  it('keeps an ipc address as it is', async () => {
    const [endpoint] = await endpointsOf([{ address: 'h:1', events: 'ipc:///run/kv' }]);
    expect(endpoint?.eventsAddress).toBe('ipc:///run/kv');
  });

  it.each<[string, StaticEndpointOptions, string]>([
    ['an address without a port', { address: 'h' }, 'h: [invalid-argument] h is not host:port'],
    [
      'an address with a scheme',
      { address: 'http://h:1' },
      'http://h:1: [invalid-argument] http://h:1 is not host:port',
    ],
    [
      'ranks over ipc',
      { address: 'h:1', events: 'ipc:///x', dataParallelSize: 2 },
      'h:1: [invalid-argument] ipc:///x has no port to add a rank to',
    ],
    [
      'ports that run out',
      { address: 'h:1', events: 'tcp://h:65535', dataParallelSize: 2 },
      'h:1: [invalid-argument] tcp://h:65535: the port of rank 1 is beyond 65535',
    ],
    [
      'no rank at all',
      { address: 'h:1', dataParallelSize: 0 },
      'h:1: [invalid-argument] the data-parallel size must be at least 1',
    ],
  ])('leaves an entry with %s out and says why', async (_case, entry, mistake) => {
    const pool = await discover([entry, { address: 'ok:1' }]);
    expect(pool.mistakes).toEqual([mistake]);
    expect(pool.endpoints.map(({ endpoint }) => endpoint.address)).toEqual(['ok:1']);
  });

  it('keeps the first of two entries with one name', async () => {
    const pool = await discover([
      { name: 'a', address: 'h:1' },
      { name: 'a', address: 'h:2' },
    ]);
    expect(pool.endpoints.map(({ endpoint }) => endpoint.address)).toEqual(['h:1']);
    expect(pool.mistakes).toEqual(['a: [invalid-argument] the name is taken']);
  });

  it('hands on what is configured about the pool', async () => {
    const pool = await discover([], { models: ['m'], tokenizer: '/models/m' });
    expect(pool.definition).toEqual({
      name: 'qwen',
      models: ['m'],
      engine: 'vllm',
      tokenizer: '/models/m',
      eventsBind: null,
    });
    expect((await discover([])).definition).toMatchObject({ models: null, tokenizer: null });
  });

  it('does not begin under a signal that is aborted', async () => {
    const notices: unknown[] = [];
    const start = createStaticDiscovery([]).start(AbortSignal.abort(), (pools) => notices.push(pools));
    await expect(start).rejects.toThrow();
    expect(notices).toEqual([]);
  });
});
