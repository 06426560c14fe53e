import type { EndpointRole, EngineKind } from '../../core/index.ts';
import type { ObjectMeta } from './objects.ts';

/** Prefix of every annotation that is ours. */
export const ANNOTATION_PREFIX = 'warmroute.dev/';

/** What annotations on a Service or InferencePool say about a pool. */
export interface PoolAnnotations {
  readonly pool: string;
  readonly models: readonly string[] | null;
  readonly engine: EngineKind;
  /** Port name or number; null: the first. */
  readonly port: string | null;
  readonly eventsPort: number;
  readonly replayPort: number | null;
  readonly tokenizer: string | null;
  readonly dataParallelSize: number;
}

/** What annotations on a Pod override. */
export interface PodAnnotations {
  readonly port: number | null;
  readonly eventsPort: number | null;
  readonly replayPort: number | null;
  readonly rank: number | null;
  readonly role: EndpointRole | null;
}

/** Parsed annotations with every mistake in them; a mistaken one counts as absent. */
export interface Annotated<Values> {
  readonly values: Values;
  readonly mistakes: readonly string[];
}

const poolKeys = ['pool', 'models', 'engine', 'port', 'events-port', 'replay-port', 'tokenizer', 'data-parallel-size'];
const podKeys = ['port', 'events-port', 'replay-port', 'rank', 'role'];
const poolNamePattern = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

const createReader = (meta: ObjectMeta, known: readonly string[]) => {
  const mistakes: string[] = [];
  for (const key of Object.keys(meta.annotations)) {
    if (!key.startsWith(ANNOTATION_PREFIX)) continue;
    const name = key.slice(ANNOTATION_PREFIX.length);
    if (!known.includes(name)) {
      mistakes.push(
        `${key}: unknown annotation; known are ${known.map((other) => ANNOTATION_PREFIX + other).join(', ')}`,
      );
    }
  }
  const raw = (name: string): string | null => {
    const value = meta.annotations[ANNOTATION_PREFIX + name]?.trim();
    return value === undefined || value === '' ? null : value;
  };
  const checked = <Value>(name: string, allowed: string, parse: (value: string) => Value | null): Value | null => {
    const value = raw(name);
    if (value === null) return null;
    const parsed = parse(value);
    if (parsed === null) mistakes.push(`${ANNOTATION_PREFIX}${name}: "${value}" must be ${allowed}`);
    return parsed;
  };
  const integer = (name: string, bounds: { readonly min: number; readonly max: number }): number | null =>
    checked(name, `a whole number from ${bounds.min} to ${bounds.max}`, (value) => {
      const parsed = Number(value);
      return /^\d+$/.test(value) && parsed >= bounds.min && parsed <= bounds.max ? parsed : null;
    });
  return { mistakes, raw, checked, integer, port: (name: string) => integer(name, { min: 1, max: 65_535 }) };
};

const portOrName = (value: string): string | null =>
  /^\d+$/.test(value)
    ? Number(value) >= 1 && Number(value) <= 65_535
      ? value
      : null
    : /^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/.test(value)
      ? value
      : null;

/** Reads a pool's annotations; null where the object has no `warmroute.dev/pool` and so is none of ours. */
export const parsePoolAnnotations = (meta: ObjectMeta): Annotated<PoolAnnotations> | null => {
  const reader = createReader(meta, poolKeys);
  if (meta.annotations[`${ANNOTATION_PREFIX}pool`] === undefined) return null;
  const pool = reader.checked('pool', '1 to 64 letters, digits, dots, dashes or underscores', (value) =>
    poolNamePattern.test(value) ? value : null,
  );
  if (pool === null && reader.mistakes.length === 0)
    reader.mistakes.push(`${ANNOTATION_PREFIX}pool: must not be empty`);
  const dataParallelSize = reader.integer('data-parallel-size', { min: 1, max: 256 }) ?? 1;
  const eventsPort = reader.port('events-port') ?? 5557;
  const replayPort = reader.port('replay-port');
  if (replayPort !== null && Math.abs(replayPort - eventsPort) < dataParallelSize) {
    reader.mistakes.push(
      `${ANNOTATION_PREFIX}replay-port: ${replayPort} overlaps the event ports ${eventsPort} to ${eventsPort + dataParallelSize - 1} of ${dataParallelSize} ranks`,
    );
  }
  const models = reader.checked('models', 'a comma-separated list of model names', (value) => {
    const names = value.split(',').map((name) => name.trim());
    return names.every((name) => name !== '') ? names : null;
  });
  const engine = reader.checked<EngineKind>('engine', 'vllm or sglang', (value) =>
    value === 'vllm' || value === 'sglang' ? value : null,
  );
  const values: PoolAnnotations = {
    pool: pool ?? meta.name,
    models,
    engine: engine ?? 'vllm',
    port: reader.checked('port', 'a port name or number', portOrName),
    eventsPort,
    replayPort,
    tokenizer: reader.raw('tokenizer'),
    dataParallelSize,
  };
  return { values, mistakes: reader.mistakes };
};

/** Reads what a Pod overrides of its pool. */
export const parsePodAnnotations = (meta: ObjectMeta): Annotated<PodAnnotations> => {
  const reader = createReader(meta, podKeys);
  const role = reader.checked<EndpointRole>('role', 'both, prefill or decode', (value) =>
    value === 'both' || value === 'prefill' || value === 'decode' ? value : null,
  );
  const values: PodAnnotations = {
    port: reader.port('port'),
    eventsPort: reader.port('events-port'),
    replayPort: reader.port('replay-port'),
    rank: reader.integer('rank', { min: 0, max: 4095 }),
    role,
  };
  return { values, mistakes: reader.mistakes };
};
