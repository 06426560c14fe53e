import type { EndpointRole, EngineKind } from '../../core/index.ts';
import { createAnnotationReader } from './annotation-reader.ts';
import { ANNOTATION_PREFIX, type ObjectMeta } from './objects.ts';

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
const portNamePattern = /^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/;

const isPortNumber = (value: string): boolean => Number(value) >= 1 && Number(value) <= 65_535;

const portOrName = (value: string): string | null => {
  const isAllowed = /^\d+$/.test(value) ? isPortNumber(value) : portNamePattern.test(value);
  return isAllowed ? value : null;
};

const modelNames = (value: string): readonly string[] | null => {
  const names = value.split(',').map((name) => name.trim());
  return names.includes('') ? null : names;
};

/** Whether any annotation is ours; of the Services of a cluster few are. */
export const isAnnotated = (meta: ObjectMeta): boolean => Object.keys(meta.annotations).length > 0;

/**
 * Reads a pool's annotations; null where the object has none of ours, or (unless a `defaultPool` is given) lacks
 * `warmroute.dev/pool`.
 */
export const parsePoolAnnotations = (
  meta: ObjectMeta,
  options: { readonly defaultPool?: string } = {},
): Annotated<PoolAnnotations> | null => {
  const reader = createAnnotationReader(meta, { known: poolKeys });
  const name = meta.annotations[`${ANNOTATION_PREFIX}pool`] ?? options.defaultPool;
  if (name === undefined) return null;
  const { mistakes } = reader;
  const isName = poolNamePattern.test(name);
  if (!isName)
    mistakes.push(`${ANNOTATION_PREFIX}pool: "${name}" must be 1 to 64 letters, digits, dots, dashes or underscores`);
  const dataParallelSize = reader.integer('data-parallel-size', { min: 1, max: 256 }) ?? 1;
  const lastPort = { min: 1, max: 65_536 - dataParallelSize };
  const eventsPort = reader.integer('events-port', lastPort) ?? 5557;
  const replayPort = reader.integer('replay-port', lastPort);
  if (replayPort !== null && Math.abs(replayPort - eventsPort) < dataParallelSize) {
    const lastEventsPort = eventsPort + dataParallelSize - 1;
    mistakes.push(
      `${ANNOTATION_PREFIX}replay-port: ${replayPort} overlaps the event ports ${eventsPort} to ${lastEventsPort}`,
    );
  }
  const values: PoolAnnotations = {
    pool: isName ? name : meta.name,
    models: reader.checked('models', 'a comma-separated list of model names', modelNames),
    engine: reader.oneOf<EngineKind>('engine', ['vllm', 'sglang']) ?? 'vllm',
    port: reader.checked('port', 'a port name or number', portOrName),
    eventsPort,
    replayPort,
    tokenizer: reader.raw('tokenizer'),
    dataParallelSize,
  };
  return { values, mistakes };
};

/**
 * Reads what a Pod overrides of its pool. A `port` that equals the pool's own annotation says nothing new: whoever copies
 * annotations from one object to the other (KServe does) means the Service's port by it.
 */
export const parsePodAnnotations = (
  meta: ObjectMeta,
  options: { readonly poolPort: string | null },
): Annotated<PodAnnotations> => {
  const reader = createAnnotationReader(meta, { known: podKeys, ignored: poolKeys });
  const isCopied = options.poolPort !== null && reader.raw('port') === options.poolPort;
  const values: PodAnnotations = {
    port: isCopied ? null : reader.port('port'),
    eventsPort: reader.port('events-port'),
    replayPort: reader.port('replay-port'),
    rank: reader.integer('rank', { min: 0, max: 4095 }),
    role: reader.oneOf<EndpointRole>('role', ['both', 'prefill', 'decode']),
  };
  return { values, mistakes: reader.mistakes };
};
