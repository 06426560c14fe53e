import { promptDefaultsOf } from '../../app/index.ts';
import type { Config } from '../../config/index.ts';
import { silentLogger, silentMetrics, systemClock } from '../../core/index.ts';
import { createStaticDiscovery, type DiscoveredPool } from '../../discovery/index.ts';
import { createTurnQueue, createZeromqTransport } from '../../events/index.ts';
import { createPromptEncoder, type PromptEncoder } from '../../prompt/index.ts';
import { type Check, checksOf } from './check.ts';
import { checkEngine } from './engine-checks.ts';
import { checkEvents, type EventCheckContext } from './event-checks.ts';
import { checkGateways, checkSidecar, patientsOfSidecar } from './sidecar-checks.ts';
import type { Patient } from './subject.ts';
import { checkTokenizer, tokenizerPathCheck } from './tokenizer-checks.ts';

const poolsOf = async (config: Config, signal: AbortSignal): Promise<readonly DiscoveredPool[]> => {
  let pools: readonly DiscoveredPool[] = [];
  await createStaticDiscovery(config.pools).start(signal, (found) => {
    pools = found;
  });
  return pools;
};

const patientsOf = ({ definition, endpoints }: DiscoveredPool): readonly Patient[] =>
  endpoints.map(({ endpoint }) => ({ endpoint, models: definition.models, dialsIn: definition.eventsBind !== null }));

const encoderOf = (config: Config, { definition }: DiscoveredPool): Promise<PromptEncoder> => {
  const pool = config.pools.find(({ name }) => name === definition.name);
  const defaults = pool === undefined ? undefined : promptDefaultsOf(pool);
  return createPromptEncoder({ folder: definition.tokenizer, ...(defaults === undefined ? {} : { defaults }) });
};

/** Every check of one endpoint, in the order of the hops; HTTP ones only once an address. */
const checkPatient = async (
  patient: Patient,
  options: { readonly encoder: PromptEncoder | null; readonly events: EventCheckContext },
): Promise<readonly Check[]> => {
  const { encoder, events } = options;
  const { signal } = events;
  const { checks, facts } = await checkEngine(patient, signal);
  if (facts === null) return checks;
  const agreement =
    encoder === null || facts.model === null || patient.endpoint.rank > 0
      ? []
      : [await checkTokenizer(patient, { encoder, model: facts.model, signal })];
  return [...checks, ...agreement, ...(await checkEvents(patient, facts, events))];
};

const checkPool = async (
  config: Config,
  pool: DiscoveredPool,
  events: EventCheckContext,
): Promise<readonly Check[]> => {
  const checks = checksOf(pool.definition.name);
  const mend = "correct this entry of the pool's discovery.static";
  const mistakes = pool.mistakes.map((mistake) => checks.failed('definition', mistake, mend));
  const encoder = await encoderOf(config, pool);
  const found = await Promise.all(patientsOf(pool).map((patient) => checkPatient(patient, { encoder, events })));
  const detail = encoder.pathReason === null ? encoder.path : `${encoder.path}: ${encoder.pathReason}`;
  return [...mistakes, tokenizerPathCheck(pool.definition.name, encoder.path, detail), ...found.flat()];
};

/** Makes every check that a configuration, a running sidecar's admin address, or both allow, in the order of the hops. */
export const examine = async (
  options: { readonly config: Config | null; readonly admin: string | null; readonly mayProbe: boolean },
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const { config, admin, mayProbe } = options;
  const turns = createTurnQueue({ clock: systemClock, metrics: silentMetrics });
  const transport = createZeromqTransport({ turns, logger: silentLogger });
  const events: EventCheckContext = { transport, clock: systemClock, signal, mayProbe, admin };
  const found: Check[] = [];
  if (config !== null) {
    const pools = await poolsOf(config, signal);
    for (const pool of pools) found.push(...(await checkPool(config, pool, events)));
    found.push(...(await checkGateways(config.gateways, { isRunning: admin !== null, signal })));
    if (admin === null) found.push(checksOf('sidecar').skipped('running', 'none answers at the admin address'));
  }
  if (admin === null) return found;
  const listed = new Set(found.map(({ subject }) => subject));
  const others = (await patientsOfSidecar(admin, signal)).filter(({ endpoint }) => !listed.has(endpoint.id));
  const examined = await Promise.all(others.map((patient) => checkPatient(patient, { encoder: null, events })));
  const told = await checkSidecar(admin, signal);
  const isNew = ({ subject, name }: Check): boolean =>
    name !== 'tokenizer-path' || !found.some((check) => check.subject === subject && check.name === name);
  return [...found, ...examined.flat(), ...told.filter(isNew)];
};
