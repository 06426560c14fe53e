import { connect } from 'node:net';
import { type Endpoint, endpointId, poolName, SidecarError } from '../../core/index.ts';
import { ask, memberOf } from './ask.ts';
import { type Check, checksOf } from './check.ts';
import type { Patient } from './subject.ts';
import { tokenizerPathCheck } from './tokenizer-checks.ts';

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** What keeps an endpoint from being trusted, and what mends it. */
const trustMends: Readonly<Record<string, string>> = {
  'not-configured': 'give the endpoint an "events" address (annotation warmroute.dev/events-port)',
  'not-connected': 'check the events address, the engine\'s "endpoint" in --kv-events-config, and network policies',
  disconnected: 'wait for the engine to come back; it is dialled again all the time',
  silent: 'the engine computes prompts but publishes nothing: check its --kv-events-config and its topic',
  'history-unknown': 'name the engine\'s replay socket in "replay" (annotation warmroute.dev/replay-port)',
  replaying: 'wait a moment: missed events are being fetched',
  gap: 'wait a moment: missed events are being fetched',
  'batches-lost': 'raise "buffer_steps" in the engine\'s --kv-events-config; restart or reset the engine to begin anew',
  'orphaned-blocks': 'name the engine\'s replay socket in "replay", so that the history can be fetched',
};

const driftMends: Readonly<Record<string, string>> = {
  tokenization: 'run this check with --config and see tokenizer-agrees: tokenizer or template differ from the engine',
  'block-size': 'the engine reuses other units than its events name; report the model and version',
  'lost-events': 'check replay-answering, and whether something else empties the cache',
  salt: 'upgrade to vLLM 0.17 or later, whose events name the salt',
  'other-model': 'the endpoint serves another model than the request named; correct the pool\'s "models"',
};

const trustCheck = (report: unknown): Check => {
  const checks = checksOf(`${textOf(memberOf(report, 'pool'))}/${textOf(memberOf(report, 'name'))}`);
  const trust = textOf(memberOf(report, 'trust'));
  const reason = textOf(memberOf(report, 'trustReason'));
  if (trust === 'exact') return checks.passed('trust', 'exact');
  const drift = /^drift: (.*)$/.exec(reason)?.[1];
  const mend = drift === undefined ? trustMends[reason] : driftMends[drift];
  return checks.failed('trust', `${trust} (${reason || 'unknown'})`, mend ?? 'look at the log for this endpoint');
};

const auditCheck = (report: unknown): readonly Check[] => {
  const audit = memberOf(report, 'audit');
  const requests = memberOf(audit, 'requests');
  if (typeof requests !== 'number') return [];
  const checks = checksOf(`${textOf(memberOf(report, 'pool'))}/${textOf(memberOf(report, 'name'))}`);
  if (requests === 0) return [checks.skipped('audit', 'no request was served yet whose prediction could be compared')];
  const detail = `${Number(memberOf(audit, 'exact'))} of the last ${requests} predictions exact`;
  const drift = textOf(memberOf(audit, 'drift'));
  if (drift === '') return [checks.passed('audit', detail)];
  return [checks.failed('audit', `${detail}; likely cause: ${drift}`, driftMends[drift] ?? 'look at the decisions')];
};

const poolCheck = (report: unknown): Check => {
  const tokenizer = memberOf(report, 'tokenizer');
  const detail = textOf(memberOf(tokenizer, 'detail'));
  return tokenizerPathCheck(textOf(memberOf(report, 'name')), textOf(memberOf(tokenizer, 'path')) || null, detail);
};

/** What the sidecar found to mend, as a failed check each. */
const findingChecks = (document: unknown): readonly Check[] =>
  listOf(memberOf(document, 'findings')).map((finding) => {
    const [code, subject, problem, mend] = ['code', 'subject', 'problem', 'mend'].map((member) =>
      textOf(memberOf(finding, member)),
    );
    return checksOf(subject ?? '').failed(code || 'finding', problem ?? '', mend ?? '');
  });

/** What the running sidecar says of itself and of its endpoints. Throws `unavailable` where it does not answer. */
export const checkSidecar = async (admin: string, signal: AbortSignal): Promise<readonly Check[]> => {
  const [ready, listed, pooled] = await Promise.all([
    ask(`${admin}/readyz`, { signal }),
    ask(`${admin}/api/v1/endpoints`, { signal }),
    ask(`${admin}/api/v1/pools`, { signal }),
  ]);
  if (ready.kind === 'unreachable' || listed.kind === 'unreachable') {
    const why = ready.kind === 'unreachable' ? ready.why : '';
    throw new SidecarError('unavailable', `${admin} does not answer: ${why}`);
  }
  const checks = checksOf('sidecar');
  const pooledJson = pooled.kind === 'answered' ? pooled.json : undefined;
  const findings = findingChecks(pooledJson);
  const conditions = listOf(memberOf(ready.json, 'conditions')).flatMap((condition) => {
    // Each is a check of its own.
    if (findings.length > 0 && memberOf(condition, 'name') === 'findings') return [];
    const name = textOf(memberOf(condition, 'name'));
    const detail = textOf(memberOf(condition, 'detail'));
    return memberOf(condition, 'isMet') === true
      ? [checks.passed(name, detail)]
      : [checks.failed(name, detail, 'not ready until this is met; the log says more')];
  });
  const reports = listOf(memberOf(listed.json, 'endpoints'));
  const known =
    reports.length === 0
      ? [checks.failed('endpoints', 'none', 'add endpoints to the pool, or check its Service and annotations')]
      : [];
  const pools = listOf(memberOf(pooledJson, 'pools'));
  return [
    ...conditions,
    ...findings,
    ...pools.map(poolCheck),
    ...known,
    ...reports.flatMap((report) => [trustCheck(report), ...auditCheck(report)]),
  ];
};

/** The endpoints a running sidecar follows. Their events addresses are not told. */
export const patientsOfSidecar = async (admin: string, signal: AbortSignal): Promise<readonly Patient[]> => {
  const answer = await ask(`${admin}/api/v1/endpoints`, { signal });
  const reports = answer.kind === 'answered' ? listOf(memberOf(answer.json, 'endpoints')) : [];
  const ranksAt = (address: string): number => reports.filter((one) => memberOf(one, 'address') === address).length;
  return reports.flatMap((report): readonly Patient[] => {
    const [pool, name, address] = ['pool', 'name', 'address'].map((member) => textOf(memberOf(report, member)));
    if (!pool || !name || !address) return [];
    const endpoint: Endpoint = {
      id: endpointId(`${pool}/${name}`),
      name,
      pool: poolName(pool),
      address,
      rank: Number(memberOf(report, 'rank') ?? 0),
      hasRanks: ranksAt(address) > 1,
      role: 'both',
      engine: 'vllm',
      eventsAddress: null,
      replayAddress: null,
      metricsUrl: `http://${address}/metrics`,
    };
    return [{ endpoint, models: null, dialsIn: true }];
  });
};

const reachable = (listen: string): { readonly host: string; readonly port: number } => {
  const host = listen.slice(0, listen.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
  const port = Number(listen.slice(listen.lastIndexOf(':') + 1));
  return { host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port };
};

const accepts = (listen: string, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ ...reachable(listen), timeout: 2_000, signal });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });

/** Whether each configured gateway listens. */
export const checkGateways = (
  gateways: Readonly<Record<string, { readonly listen: string } | undefined>>,
  options: { readonly isRunning: boolean; readonly signal: AbortSignal },
): Promise<readonly Check[]> => {
  const check = async (name: string, listen: string): Promise<Check> => {
    const checks = checksOf(`gateway/${name}`);
    if (!options.isRunning) return checks.skipped('gateway-listening', 'no sidecar is running');
    if (listen.endsWith(':0')) return checks.skipped('gateway-listening', 'its port is chosen at start');
    if (await accepts(listen, options.signal)) return checks.passed('gateway-listening', listen);
    const mend = `start "serve" with this file; look for "listen-failed" in its log, and who else has ${listen}`;
    return checks.failed('gateway-listening', `${listen} takes no connection`, mend);
  };
  return Promise.all(
    Object.entries(gateways).flatMap(([name, gateway]) => (gateway === undefined ? [] : [check(name, gateway.listen)])),
  );
};
