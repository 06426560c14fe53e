import { promptDefaultsOf } from '../../app/index.ts';
import type { Config } from '../../config/index.ts';
import { silentLogger, silentMetrics, systemClock } from '../../core/index.ts';
import type { DiscoveredPool } from '../../discovery/index.ts';
import { createTurnQueue, createZeromqTransport } from '../../events/index.ts';
import { createPromptEncoder, type PromptEncoder, resolveTokenizer } from '../../prompt/index.ts';
import { type Check, checksOf } from './check.ts';
import { examineSources } from './discovery-checks.ts';
import { checkEngine } from './engine-checks.ts';
import { checkEvents, type EventCheckContext } from './event-checks.ts';
import { checkGateways, checkSidecar, patientsOfSidecar } from './sidecar-checks.ts';
import type { Patient } from './subject.ts';
import { checkTokenIds } from './token-ids-checks.ts';
import { checkTokenizer, tokenizerPathCheck } from './tokenizer-checks.ts';

const patientsOf = ({ definition, endpoints }: DiscoveredPool): readonly Patient[] =>
  endpoints
    .filter(({ isTerminating }) => !isTerminating)
    .map(({ endpoint }) => ({ endpoint, models: definition.models, dialsIn: definition.eventsBind !== null }));

const encoderOf = async (
  config: Config,
  { definition: { name, tokenizer } }: DiscoveredPool,
  signal: AbortSignal,
): Promise<PromptEncoder> => {
  const { modelsFolder, cacheFolder, hub, offline } = config.tokenizers;
  const source = { tokenizer, modelsFolder, cacheFolder, hub: offline ? null : hub };
  const { folder } = await resolveTokenizer({ ...source, fetch, clock: systemClock, signal });
  const pool = config.pools.find((candidate) => candidate.name === name);
  const defaults = pool === undefined ? undefined : promptDefaultsOf(pool);
  return createPromptEncoder({ folder, ...(defaults === undefined ? {} : { defaults }) });
};

/** Every check of one endpoint, in the order of the hops; HTTP ones only once an address. */
const checkPatient = async (
  patient: Patient,
  options: { readonly encoder: PromptEncoder | null; readonly passes: boolean; readonly events: EventCheckContext },
): Promise<readonly Check[]> => {
  const { encoder, events } = options;
  const { signal } = events;
  const { checks, facts } = await checkEngine(patient, signal);
  if (facts === null) return checks;
  const agreement =
    encoder === null || facts.model === null || patient.endpoint.rank > 0
      ? []
      : [
          await checkTokenizer(patient, { encoder, model: facts.model, signal }),
          await checkTokenIds(patient, {
            encoder,
            model: facts.model,
            passes: options.passes,
            mayProbe: events.mayProbe,
            signal,
          }),
        ];
  return [...checks, ...agreement, ...(await checkEvents(patient, facts, events))];
};

const checkPool = async (
  config: Config,
  pool: DiscoveredPool,
  events: EventCheckContext,
): Promise<readonly Check[]> => {
  const encoder = await encoderOf(config, pool, events.signal);
  const passes = config.pools.some(({ name, passTokenIds }) => name === pool.definition.name && passTokenIds);
  const found = await Promise.all(
    patientsOf(pool).map((patient) => checkPatient(patient, { encoder, passes, events })),
  );
  const detail = encoder.pathReason === null ? encoder.path : `${encoder.path}: ${encoder.pathReason}`;
  return [tokenizerPathCheck(pool.definition.name, encoder.path, detail), ...found.flat()];
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
    const { pools, checks } = await examineSources(config, { clock: systemClock, signal });
    found.push(...checks);
    for (const pool of pools) found.push(...(await checkPool(config, pool, events)));
    found.push(...(await checkGateways(config.gateways, { isRunning: admin !== null, signal })));
    if (admin === null) found.push(checksOf('sidecar').skipped('running', 'none answers at the admin address'));
  }
  if (admin === null) return found;
  const listed = new Set(found.map(({ subject }) => subject));
  const others = (await patientsOfSidecar(admin, signal)).filter(({ endpoint }) => !listed.has(endpoint.id));
  const examined = await Promise.all(
    others.map((patient) => checkPatient(patient, { encoder: null, passes: false, events })),
  );
  const told = await checkSidecar(admin, signal);
  // Both tell how a pool's tokenizer is had, and what is to be mended in a cluster that both see.
  const isKnown = ({ subject, name, detail }: Check): boolean =>
    found.some(
      (check) =>
        check.subject === subject && check.name === name && (name === 'tokenizer-path' || check.detail === detail),
    );
  return [...found, ...examined.flat(), ...told.filter((check) => !isKnown(check))];
};
