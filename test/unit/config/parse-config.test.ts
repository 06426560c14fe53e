import { describe, expect, it } from '@jest/globals';
import { parseConfig } from '../../../sidecar/config/index.ts';
import { SidecarError } from '../../../sidecar/core/index.ts';

const mistakesOf = (text: string, env: Readonly<Record<string, string>> = {}): readonly string[] => {
  try {
    parseConfig(env, text);
  } catch (failure) {
    if (failure instanceof SidecarError && Array.isArray(failure.details['mistakes']))
      return failure.details['mistakes'];
    throw failure;
  }
  return [];
};

const onePool = `
pools:
  - name: qwen
    discovery:
      static:
        - address: 127.0.0.1:8001
`;

describe('parseConfig', () => {
  it('says which keys are missing', () => {
    expect(mistakesOf('pools: [{ discovery: { static: [{}] } }]')).toEqual([
      'pools[0].name: is required',
      'pools[0].discovery.static[0].address: is required',
    ]);
  });

  it('takes a pool without endpoints as one of the cluster', () => {
    const pool = 'pools: [{ name: qwen, passTokenIds: true }]';
    expect(parseConfig({}, `${pool}\ndiscovery: { kubernetes: {} }`).config.pools[0]?.passTokenIds).toBe(true);
    expect(mistakesOf(pool)).toEqual(['pools[0].discovery: is required where discovery.kubernetes is not set']);
    expect(mistakesOf('pools: [{ name: qwen, tokenizer: /m }]\ndiscovery: { kubernetes: {} }')).toEqual([
      'pools[0].tokenizer: needs discovery.static; pools of the cluster have annotations',
    ]);
  });

  it('fills in defaults', () => {
    const { config } = parseConfig({}, onePool);
    expect(config.admin.listen).toBe('127.0.0.1:9090');
    expect(config.pools[0]).toMatchObject({ engine: 'vllm', events: {} });
    expect(config.pools[0]?.discovery?.static[0]).toMatchObject({ dataParallelSize: 1, role: 'both' });
    expect(config.gateways).toEqual({});
  });

  it('takes an empty file as all defaults', () => {
    expect(parseConfig({}, '').config.pools).toEqual([]);
  });

  it('reads JSON too', () => {
    expect(parseConfig({}, '{"admin":{"listen":"127.0.0.1:0"}}').config.admin.listen).toBe('127.0.0.1:0');
  });

  it('lists every mistake with its path', () => {
    const text = `
pools:
  - name: "bad name"
    enigne: vllm
    discovery: { static: [{ address: "http://x:1" }, { address: "h:1" }, { address: "h:1" }] }
gateways: { proxy: { listen: "8080" } }
log: { level: loud }
`;
    expect(mistakesOf(text)).toEqual([
      expect.stringMatching(/^pools\[0\]\.name: must be 1 to 64/),
      expect.stringMatching(/^pools\[0\]\.discovery\.static\[0\]\.address: must be host:port/),
      expect.stringMatching(/^pools\[0\]: unknown "enigne"/),
      expect.stringMatching(/^gateways\.proxy\.listen: must be host:port/),
      expect.stringMatching(/^log\.level: /),
    ]);
  });

  it.each([
    [
      'the same pool twice',
      `${onePool}  - { name: qwen, discovery: { static: [] } }`,
      'pools[1].name: "qwen" is used twice',
    ],
    [
      'token ids for an engine that takes none',
      'pools: [{ name: a, engine: sglang, passTokenIds: true, discovery: { static: [] } }]',
      'pools[0].passTokenIds: sglang takes no ids',
    ],
    [
      'the same address twice',
      'pools: [{ name: a, discovery: { static: [{ address: "h:1" }, { address: "h:1", name: x }] } }]',
      'pools[0].discovery.static[1].address: h:1 is listed twice',
    ],
    [
      'a plugin that does not exist',
      'pools: [{ name: a, discovery: { static: [] }, scheduling: { picker: { type: best } } }]',
      expect.stringMatching(/^pools\[0\]\.scheduling\.picker\.type: must be /),
    ],
    [
      'one address for two listeners',
      'gateways: { proxy: { listen: "127.0.0.1:9090" } }',
      'gateways: 127.0.0.1:9090 is given to two listeners',
    ],
  ])('refuses %s', (_, text, mistake) => {
    expect(mistakesOf(text)).toEqual([mistake]);
  });

  it('says where YAML is broken', () => {
    expect(mistakesOf('pools: [')).toEqual([expect.stringContaining('line 1')]);
  });

  it('lets the environment win over the file', () => {
    const { config } = parseConfig(
      { WARMROUTE_PROXY_LISTEN: '127.0.0.1:0', WARMROUTE_DRAIN_MS: '5', WARMROUTE_KUBERNETES_NAMESPACES: 'a,b' },
      'gateways: { proxy: { listen: "127.0.0.1:1" } }',
    );
    expect(config.gateways.proxy?.listen).toBe('127.0.0.1:0');
    expect(config.drainMs).toBe(5);
    expect(config.discovery.kubernetes?.namespaces).toEqual(['a', 'b']);
  });

  it('takes the hub and its token from the environment, and no download without a cache', () => {
    expect(parseConfig({}, '').config.tokenizers).toMatchObject({ cacheFolder: null, offline: false });
    const env = {
      WARMROUTE_TOKENIZERS_HUB_TOKEN: 'secret',
      WARMROUTE_TOKENIZERS_CACHE_FOLDER: '/cache',
      WARMROUTE_TOKENIZERS_OFFLINE: 'true',
    };
    expect(parseConfig(env, '').config.tokenizers).toMatchObject({
      cacheFolder: '/cache',
      offline: true,
      hub: { url: 'https://huggingface.co', token: 'secret' },
    });
  });

  it('takes peers of a warm start as a list, or separated by commas', () => {
    const listed = JSON.stringify({ warmStart: { peers: ['http://a:9090', 'http://b:9090'] } });
    const told = { WARMROUTE_WARM_START_PEERS: 'http://a:9090, http://b:9090' };
    for (const { config } of [parseConfig({}, listed), parseConfig(told, '{}')]) {
      expect(config.warmStart).toEqual({
        peers: ['http://a:9090', 'http://b:9090'],
        peerService: null,
        file: null,
        fileIntervalMs: 60_000,
        timeoutMs: 10_000,
      });
    }
  });

  it('checks what the environment sets', () => {
    expect(mistakesOf('', { WARMROUTE_ADMIN_LISTEN: 'nowhere' })).toEqual([expect.stringMatching(/^admin\.listen: /)]);
  });

  it('warns of unknown settings in the environment, but not of Kubernetes service links', () => {
    const env = {
      WARMROUTE_PORT: 'tcp://10.0.0.1:80',
      WARMROUTE_SERVICE_HOST: '10.0.0.1',
      WARMROUTE_PORT_9090_TCP_ADDR: '10.0.0.1',
      WARMROUTE_LOGLEVEL: 'debug',
    };
    expect(parseConfig(env, '').warnings).toEqual(['environment variable WARMROUTE_LOGLEVEL is not a known setting']);
  });
});
