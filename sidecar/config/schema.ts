import { z } from 'zod';

const listenAddress = z
  .string()
  .regex(
    /^(\[[0-9a-fA-F:.]+\]|[^:\s]+):\d{1,5}$/,
    'must be host:port, as 127.0.0.1:8080 or [::1]:8080; port 0 takes a free one',
  )
  .refine((value) => !(Number(value.slice(value.lastIndexOf(':') + 1)) > 65535), 'port must be at most 65535')
  .describe('host:port to listen on; port 0 takes a free one');

const hostAndPort = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^:\s/]+):\d{1,5}$/, 'must be host:port without a scheme, as 10.0.0.7:8000')
  .describe('host:port that serves the OpenAI API');

const zmqAddress = z
  .string()
  .regex(/^(tcp:\/\/(\[[0-9a-fA-F:.]+\]|[^:\s/]+):\d{1,5}|ipc:\/\/.+)$/, 'must be tcp://host:port or ipc://path')
  .describe('ZeroMQ address');

const name = z
  .string()
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/,
    'must be 1 to 64 letters, digits, dots, dashes or underscores',
  );

const staticEndpoint = z.strictObject({
  name: name.optional().describe('default: the address'),
  address: hostAndPort,
  events: zmqAddress
    .nullable()
    .optional()
    .describe('default: same host, port 5557; null: this endpoint sends no events'),
  replay: zmqAddress.optional().describe('default: none'),
  metrics: z.url().nullable().optional().describe('default: http://ADDRESS/metrics; null: never scraped'),
  dataParallelSize: z.int().min(1).max(256).default(1).describe('ranks behind this address; ports grow by the rank'),
  role: z.enum(['both', 'prefill', 'decode']).default('both').describe('what `role-filter` goes by'),
});

const pool = z.strictObject({
  name: name.describe('shown in decisions, metrics and logs'),
  models: z.array(z.string().min(1)).min(1).optional().describe('default: what the engines report at /v1/models'),
  engine: z.enum(['vllm', 'sglang']).default('vllm').describe('whose events and metrics these are'),
  tokenizer: z
    .string()
    .min(1)
    .optional()
    .describe('folder with tokenizer.json, tokenizer_config.json, chat_template.jinja'),
  chatTemplateKwargs: z
    .record(z.string(), z.json())
    .optional()
    .describe("the engine's --default-chat-template-kwargs, where it has any"),
  passTokenIds: z
    .boolean()
    .default(false)
    .describe(
      "the proxy (and Envoy's BUFFERED mode) gives vLLM 0.27 and later the prompt's token ids, which it then need not make; see `doctor --probe`",
    ),
  discovery: z
    .strictObject({ static: z.array(staticEndpoint) })
    .optional()
    .describe('default: a pool of this name in the cluster, to which the other keys are given'),
  events: z
    .strictObject({
      bind: z
        .string()
        .regex(/^tcp:\/\/[^\s/]+:\d{1,5}$/, 'must be tcp://*:PORT')
        .optional()
        .describe('tcp://*:PORT where engines dial the sidecar; default: the sidecar dials the engines'),
      mediumWeights: z
        .record(z.string().min(1), z.number().min(0).max(1))
        .default({})
        .describe('what a cached block counts for by its medium, as `{ CPU: 0.8 }`; else GPU 1, CPU 0.8, others 0.5'),
    })
    .prefault({}),
  scheduling: z.unknown().optional().describe('profile: filters, weighted scorers, picker'),
});

const milliseconds = z.int().min(1);

const bodyLimitBytes = z.int().min(1024).default(33_554_432);

const namespaceList = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(z.array(z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be namespace names, or "*" for all')));

const kubernetes = z.strictObject({
  namespaces: z
    .union([z.literal('*'), namespaceList, z.array(z.string().min(1)).min(1)])
    .optional()
    .describe('"*" for all (needs a ClusterRole); default: the sidecar\'s own'),
  inferencePools: z
    .array(z.enum(['v1', 'v1alpha2']))
    .default([])
    .describe('API versions of InferencePools to read'),
  takesEveryInferencePool: z.boolean().default(false).describe('InferencePools without annotations are pools too'),
});

const tokenizers = z.strictObject({
  modelsFolder: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('its subfolders hold models by hub id, as a volume does'),
  cacheFolder: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe("Hugging Face's cache layout; null: nothing is downloaded"),
  hub: z
    .strictObject({
      url: z.url().default('https://huggingface.co').describe('hub, or a mirror of it'),
      token: z.string().min(1).nullable().default(null).describe('for gated models; never logged'),
    })
    .prefault({}),
  offline: z.boolean().default(false).describe('never asks the hub'),
});

const tlsVersion = z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2');

const tls = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('plaintext') }),
  z.strictObject({ kind: z.literal('self-signed'), minVersion: tlsVersion }),
  z.strictObject({
    kind: z.literal('mounted'),
    folder: z
      .string()
      .min(1)
      .describe('holds tls.crt and tls.key, as Kubernetes mounts a TLS secret; read again when they change'),
    minVersion: tlsVersion,
  }),
]);

const peerUrls = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(z.array(z.url()));

const warmStart = z.strictObject({
  peers: z
    .union([z.array(z.url()), peerUrls])
    .default([])
    .describe('admin URLs of other sidecars of the same endpoints, to be asked at start; itself may be among them'),
  peerService: z
    .string()
    .regex(
      /^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?:\d{1,5}$/,
      'must be a DNS name with port, as warmroute-replicas:9090',
    )
    .nullable()
    .default(null)
    .describe('DNS name and admin port of all replicas, as of a headless Service'),
  file: z.string().min(1).nullable().default(null).describe('what is known of endpoints is kept here over restarts'),
  fileIntervalMs: milliseconds.default(60_000).describe('between writes of the file; one more is at shutdown'),
  timeoutMs: milliseconds.default(10_000).describe('how long all this may keep the sidecar from being ready'),
});

/** Shape of the configuration file; defaults are filled in by parsing. */
export const configSchema = z.strictObject({
  pools: z.array(pool).default([]),
  discovery: z.strictObject({ kubernetes: kubernetes.optional() }).default({}),
  tokenizers: tokenizers.prefault({}),
  gateways: z
    .strictObject({
      proxy: z
        .strictObject({
          listen: listenAddress,
          bodyLimitBytes: bodyLimitBytes.describe('a longer body is refused with 413'),
          connectTimeoutMs: milliseconds.default(5000).describe('then the next endpoint is tried'),
          maxAttempts: z.int().min(1).max(16).default(3).describe('endpoints tried while none has answered'),
        })
        .optional(),
      consult: z
        .strictObject({
          listen: listenAddress,
          bodyLimitBytes: bodyLimitBytes.describe('what is there by then decides'),
          bodyTimeoutMs: milliseconds.default(100).describe('then what is there of the body decides'),
          pathPrefix: z
            .string()
            .regex(/^(\/.*)?$/, 'must begin with a slash')
            .default('')
            .describe("prefix before the client's path"),
          stickyCookie: z
            .string()
            .regex(/^[A-Za-z0-9_.-]+$/, 'must be a cookie name')
            .optional()
            .describe("name of Traefik's sticky cookie; answers then carry a Cookie header that names the pick"),
        })
        .optional(),
      extproc: z
        .strictObject({
          listen: listenAddress,
          healthListen: listenAddress.optional().describe('second listener with gRPC health alone, always plaintext'),
          tls: tls.default({ kind: 'plaintext' }).describe('of `listen`; a folder holds tls.crt and tls.key'),
          decisionTimeoutMs: milliseconds.default(200).describe('then the best answer known so far is given'),
          bodyLimitBytes: bodyLimitBytes.describe('what is there by then decides'),
          picksList: z.boolean().default(false).describe('fallbacks follow the pick in a comma list'),
          endsAfterRequest: z.boolean().default(false).describe('the stream ends once the request is through'),
        })
        .optional(),
    })
    .default({}),
  admin: z.strictObject({ listen: listenAddress }).default({ listen: '127.0.0.1:9090' }),
  log: z
    .strictObject({
      level: z.enum(['error', 'warn', 'info', 'debug']).default('info').describe('`debug` tells each request'),
      format: z.enum(['json', 'pretty']).default('json').describe('on standard error'),
    })
    .default({ level: 'info', format: 'json' }),
  index: z
    .strictObject({
      maxBlocks: z.int().min(1024).default(16_000_000).describe('hard cap a pool; oldest leaves go first'),
      historyBlocks: z.int().min(256).default(65_536).describe('blocks of own routing history kept an endpoint'),
    })
    .default({ maxBlocks: 16_000_000, historyBlocks: 65_536 }),
  conversations: z
    .strictObject({
      maxMemoryBytes: z
        .int()
        .min(0)
        .default(268_435_456)
        .describe(
          'most memory for chats read before, an estimate; what was not used for longest goes first; 0 remembers none',
        ),
    })
    .prefault({}),
  scrape: z
    .strictObject({
      intervalMs: milliseconds.default(1000).describe("between reads of an engine's metrics"),
      timeoutMs: milliseconds.default(2000).describe('of one read'),
    })
    .default({ intervalMs: 1000, timeoutMs: 2000 }),
  decisions: z
    .strictObject({ keep: z.int().min(0).max(100_000).default(1000).describe('kept for `explain`') })
    .default({ keep: 1000 }),
  warmStart: warmStart.prefault({}),
  drainMs: z.int().min(0).default(30_000).describe('how long requests in flight may take to finish at shutdown'),
});

/** Configuration with every default filled in. */
export type Config = z.output<typeof configSchema>;
/** One entry of `pools`. */
export type PoolConfig = Config['pools'][number];
