/** Environment variables that override the file, each with the path it sets. */
export const environmentVariables: Readonly<Record<string, readonly string[]>> = {
  WARMROUTE_PROXY_LISTEN: ['gateways', 'proxy', 'listen'],
  WARMROUTE_PROXY_BODY_LIMIT_BYTES: ['gateways', 'proxy', 'bodyLimitBytes'],
  WARMROUTE_CONSULT_LISTEN: ['gateways', 'consult', 'listen'],
  WARMROUTE_CONSULT_BODY_LIMIT_BYTES: ['gateways', 'consult', 'bodyLimitBytes'],
  WARMROUTE_CONSULT_BODY_TIMEOUT_MS: ['gateways', 'consult', 'bodyTimeoutMs'],
  WARMROUTE_CONSULT_STICKY_COOKIE: ['gateways', 'consult', 'stickyCookie'],
  WARMROUTE_EXTPROC_LISTEN: ['gateways', 'extproc', 'listen'],
  WARMROUTE_EXTPROC_HEALTH_LISTEN: ['gateways', 'extproc', 'healthListen'],
  WARMROUTE_TOKENIZERS_MODELS_FOLDER: ['tokenizers', 'modelsFolder'],
  WARMROUTE_TOKENIZERS_CACHE_FOLDER: ['tokenizers', 'cacheFolder'],
  WARMROUTE_TOKENIZERS_HUB_URL: ['tokenizers', 'hub', 'url'],
  WARMROUTE_TOKENIZERS_HUB_TOKEN: ['tokenizers', 'hub', 'token'],
  WARMROUTE_TOKENIZERS_OFFLINE: ['tokenizers', 'offline'],
  WARMROUTE_KUBERNETES_NAMESPACES: ['discovery', 'kubernetes', 'namespaces'],
  WARMROUTE_ADMIN_LISTEN: ['admin', 'listen'],
  WARMROUTE_LOG_LEVEL: ['log', 'level'],
  WARMROUTE_LOG_FORMAT: ['log', 'format'],
  WARMROUTE_INDEX_MAX_BLOCKS: ['index', 'maxBlocks'],
  WARMROUTE_CONVERSATIONS_MAX_MEMORY_BYTES: ['conversations', 'maxMemoryBytes'],
  WARMROUTE_SCRAPE_INTERVAL_MS: ['scrape', 'intervalMs'],
  WARMROUTE_WARM_START_PEERS: ['warmStart', 'peers'],
  WARMROUTE_WARM_START_PEER_SERVICE: ['warmStart', 'peerService'],
  WARMROUTE_WARM_START_FILE: ['warmStart', 'file'],
  WARMROUTE_WARM_START_TIMEOUT_MS: ['warmStart', 'timeoutMs'],
  WARMROUTE_DRAIN_MS: ['drainMs'],
};

/** Process environment, handed in so that tests pass an object. */
export type Environment = Readonly<Record<string, string | undefined>>;

// Kubernetes sets NAME_SERVICE_HOST, NAME_PORT_9090_TCP … for every Service, also for one named warmroute.
const serviceLink = /_(SERVICE_(HOST|PORT)(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?)$/;

type JsonObject = { [key: string]: unknown };

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const numeral = /^\d+$/;

/** Numbers and booleans as a file would hold them, everything else as text. */
const readSetting = (text: string): string | number | boolean => {
  if (text === 'true' || text === 'false') return text === 'true';
  return numeral.test(text) ? Number(text) : text;
};

/** Lays the environment's values over a parsed file; returns names that look like ours but are not known. */
export const applyEnvironment = (file: JsonObject, env: Environment): { merged: JsonObject; unknown: string[] } => {
  const merged = structuredClone(file);
  const unknown: string[] = [];
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined || !variable.startsWith('WARMROUTE_')) continue;
    const path = environmentVariables[variable];
    if (path === undefined) {
      if (!serviceLink.test(variable)) unknown.push(variable);
      continue;
    }
    let level = merged;
    for (const key of path.slice(0, -1)) {
      const next = level[key];
      const child: JsonObject = isObject(next) ? next : {};
      level[key] = child;
      level = child;
    }
    level[path.at(-1) ?? ''] = readSetting(value);
  }
  return { merged, unknown };
};
