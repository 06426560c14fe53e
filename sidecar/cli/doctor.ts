import { readFile } from 'node:fs/promises';
import { promptDefaultsOf } from '../app/index.ts';
import { type Config, parseConfig } from '../config/index.ts';
import { SidecarError, silentLogger, silentMetrics, systemClock } from '../core/index.ts';
import { createStaticDiscovery, type DiscoveredPool } from '../discovery/index.ts';
import { createTurnQueue, createZeromqTransport } from '../events/index.ts';
import { createPromptEncoder, type PromptEncoder } from '../prompt/index.ts';
import { type Command, type CommandContext, exitCodes, textFlag, UsageError } from './command.ts';
import { ask } from './doctor/ask.ts';
import { type Check, checkLine, checksOf, countChecks } from './doctor/check.ts';
import { checkEngine } from './doctor/engine-checks.ts';
import { checkEvents, type EventCheckContext } from './doctor/event-checks.ts';
import { checkGateways, checkSidecar, patientsOfSidecar } from './doctor/sidecar-checks.ts';
import type { Patient } from './doctor/subject.ts';
import { checkTokenizer, checkTokenizerPath } from './doctor/tokenizer-checks.ts';

const readConfig = async (path: string, context: CommandContext): Promise<Config> => {
  const text = await readFile(path, 'utf8').catch((failure: unknown) => {
    throw new UsageError(`${path} cannot be read: ${failure instanceof Error ? failure.message : String(failure)}`);
  });
  return parseConfig(context.env, text).config;
};

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
  return [...mistakes, checkTokenizerPath(pool.definition.name, encoder), ...found.flat()];
};

/** Whether a sidecar answers at an admin address. */
const isRunning = async (admin: string, signal: AbortSignal): Promise<boolean> => {
  const answer = await ask(`${admin}/healthz`, { signal });
  return answer.kind === 'answered' && answer.status === 200;
};

const adminOf = async (
  given: string | undefined,
  config: Config | null,
  signal: AbortSignal,
): Promise<string | null> => {
  if (given !== undefined) {
    const admin = URL.parse(given)?.origin;
    if (admin === undefined || admin === 'null')
      throw new UsageError('--admin must be a URL, as http://127.0.0.1:9090');
    if (await isRunning(admin, signal)) return admin;
    throw new SidecarError('unavailable', `${admin} does not answer; is the sidecar running with this admin address?`);
  }
  if (config === null || config.admin.listen.endsWith(':0')) return null;
  const admin = `http://${config.admin.listen.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')}`;
  return (await isRunning(admin, signal)) ? admin : null;
};

const examine = async (
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
  return [...found, ...examined.flat(), ...(await checkSidecar(admin, signal))];
};

/** `doctor`: proves each hop between requests, engines and their events, one line a check. */
export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'prove each hop, with the mend for each that fails',
  usage: 'doctor [--config FILE] [--admin URL] [--probe] [--json]',
  help: [
    'Works on a configuration file, on a running sidecar, or on both. Exits 1 where a check failed.',
    '',
    '  --config FILE  configuration whose pools and gateways are looked at',
    '  --admin URL    admin listener of a running sidecar; default: the one in the configuration, if it answers',
    '  --probe        send each engine one tiny prompt twice, and watch for its event and its cached tokens',
    '  --json         print one JSON document',
  ].join('\n'),
  options: {
    config: { type: 'string', short: 'c' },
    admin: { type: 'string' },
    probe: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run: async (values, positionals, context) => {
    const path = textFlag(values, 'config');
    const given = textFlag(values, 'admin');
    if (positionals.length > 0 || (path === undefined && given === undefined)) {
      throw new UsageError('give --config FILE, --admin URL, or both');
    }
    const { signal } = context;
    const config = path === undefined ? null : await readConfig(path, context);
    const admin = await adminOf(given, config, signal);
    const checks = await examine({ config, admin, mayProbe: values['probe'] === true }, signal);
    const counts = countChecks(checks);
    const isWell = counts.failed === 0;
    if (values['json'] === true) {
      context.print(JSON.stringify({ ok: isWell, counts, checks }));
    } else {
      for (const check of checks) context.print(checkLine(check));
      const { passed, failed, warning, skipped } = counts;
      context.print(`${passed} passed, ${failed} failed, ${warning} warnings, ${skipped} skipped`);
    }
    return isWell ? exitCodes.done : exitCodes.failed;
  },
};
