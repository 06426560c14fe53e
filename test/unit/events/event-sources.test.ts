import { describe, expect, it } from '@jest/globals';
import { fetchEventSources, parseEventSources } from '../../../sidecar/events/index.ts';

const config = (endpoint: string, replay: string | null = null) => ({
  enable_kv_cache_events: true,
  publisher: 'zmq',
  endpoint,
  replay_endpoint: replay,
  topic: '',
});

describe('event sources of an engine', () => {
  it.each([
    [
      'an array with an item a rank',
      [
        { data_parallel_rank: 0, endpoint: 'tcp://10.0.0.1:5557', replay_endpoint: null, topic: '' },
        { data_parallel_rank: 1, endpoint: 'tcp://10.0.0.1:5558', replay_endpoint: 'tcp://10.0.0.1:5658', topic: '' },
      ],
      [
        { rank: 0, eventsAddress: 'tcp://10.0.0.1:5557', replayAddress: null },
        { rank: 1, eventsAddress: 'tcp://10.0.0.1:5558', replayAddress: 'tcp://10.0.0.1:5658' },
      ],
    ],
    [
      'a map from rank to configuration with wildcard hosts',
      { '0': config('tcp://*:5557', 'tcp://0.0.0.0:5657') },
      [{ rank: 0, eventsAddress: 'tcp://engine:5557', replayAddress: 'tcp://engine:5657' }],
    ],
    [
      'one address for all ranks, to which each rank adds its number',
      { '0': config('tcp://*:5557', 'tcp://*:5657'), '1': config('tcp://*:5557', 'tcp://*:5657') },
      [
        { rank: 0, eventsAddress: 'tcp://engine:5557', replayAddress: 'tcp://engine:5657' },
        { rank: 1, eventsAddress: 'tcp://engine:5558', replayAddress: 'tcp://engine:5658' },
      ],
    ],
    [
      'an array without ranks',
      [config('ipc:///tmp/e')],
      [{ rank: 0, eventsAddress: 'ipc:///tmp/e', replayAddress: null }],
    ],
    ['nothing usable', [], null],
    ['a map with keys that are no ranks', { detail: config('tcp://*:1') }, null],
    ['an error document', { detail: 'Not Found' }, null],
    ['text', 'no', null],
  ])('are read from %s', (_, answer, expected) => {
    expect(parseEventSources(answer, 'engine')).toEqual(expected);
  });

  it('puts an IPv6 host into brackets', () => {
    expect(parseEventSources([config('tcp://[::]:5557')], 'fd00::1')).toMatchObject([
      { eventsAddress: 'tcp://[fd00::1]:5557' },
    ]);
  });

  const { signal } = new AbortController();
  const ask = (answer: () => Promise<{ ok: boolean; json(): Promise<unknown> }>, address = '10.0.0.7:8000') => {
    const urls: string[] = [];
    const fetch = (url: string) => {
      urls.push(url);
      return answer();
    };
    return { urls, sources: fetchEventSources({ address, fetch, signal }) };
  };

  it('are asked for at the endpoint’s own address', async () => {
    const { urls, sources } = ask(async () => ({ ok: true, json: async () => [config('tcp://*:5557')] }));
    expect(await sources).toEqual([{ rank: 0, eventsAddress: 'tcp://10.0.0.7:5557', replayAddress: null }]);
    expect(urls).toEqual(['http://10.0.0.7:8000/kv_event_sources']);
  });

  it('of an endpoint with an IPv6 address keep its brackets', async () => {
    const { sources } = ask(async () => ({ ok: true, json: async () => [config('tcp://*:5557')] }), '[fd00::1]:8000');
    expect(await sources).toMatchObject([{ eventsAddress: 'tcp://[fd00::1]:5557' }]);
  });

  it.each([
    ['answers 404', async () => ({ ok: false, json: async () => ({}) })],
    ['does not answer', async () => Promise.reject(new Error('refused'))],
    ['answers what is no JSON', async () => ({ ok: true, json: async () => Promise.reject(new SyntaxError('x')) })],
  ])('are null where the engine %s', async (_, answer) => {
    expect(await ask(answer).sources).toBeNull();
  });
});
