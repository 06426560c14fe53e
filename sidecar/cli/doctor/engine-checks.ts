import { loadOf, parseServedModels, readEngineReport } from '../../pool/index.ts';
import { type Answer, ask, memberOf } from './ask.ts';
import { type Check, checksOf } from './check.ts';
import type { EngineFacts, Patient } from './subject.ts';

/** Clocks further apart than this make event lags and restart times meaningless. */
const largestSkewMs = 5_000;

type Checks = ReturnType<typeof checksOf>;

const versionCheck = (checks: Checks, answer: Answer, engine: string): Check => {
  const version = answer.kind === 'answered' ? memberOf(answer.json, 'version') : undefined;
  if (typeof version !== 'string') return checks.skipped('engine-version', `${engine} does not tell its version`);
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  const release = Number(major) * 1000 + Number(minor);
  const detail = `${engine} ${version}`;
  if (engine !== 'vllm' || release === 0 || release >= 17) return checks.passed('engine-version', detail);
  if (release >= 9) {
    return checks.warning(
      'engine-version',
      `${detail}: events do not tell salted, multimodal and LoRA blocks apart`,
      'upgrade to vLLM 0.17 or later',
    );
  }
  return checks.failed('engine-version', `${detail} publishes no KV events`, 'upgrade to vLLM 0.9 or later');
};

const clockCheck = (checks: Checks, answer: Answer): Check => {
  const skewMs = answer.kind === 'answered' ? answer.clockSkewMs : null;
  if (skewMs === null) return checks.skipped('clock', 'the engine sends no date');
  const seconds = (Math.abs(skewMs) / 1000).toFixed(1);
  return Math.abs(skewMs) <= largestSkewMs
    ? checks.passed('clock', `${seconds} s apart`)
    : checks.failed(
        'clock',
        `${seconds} s apart`,
        'synchronize both clocks (NTP): event lag and restart times compare them',
      );
};

const modelCheck = (checks: Checks, served: readonly string[] | null, models: readonly string[] | null): Check => {
  if (served === null) {
    return checks.failed('model-name', '/v1/models does not answer', 'check that this port serves the OpenAI API');
  }
  const missing = (models ?? []).filter((model) => !served.includes(model));
  return missing.length === 0
    ? checks.passed('model-name', served.join(', '))
    : checks.failed(
        'model-name',
        `serves ${served.join(', ') || 'nothing'}, not ${missing.join(', ')}`,
        'set the pool\'s "models" (annotation warmroute.dev/models) or the engine\'s --served-model-name',
      );
};

const metricsChecks = (
  checks: Checks,
  answer: Answer | null,
  { endpoint }: Patient,
): { readonly found: readonly Check[]; readonly blockSize: number | null } => {
  if (answer === null) {
    const why = 'no metrics are configured';
    return { found: [checks.skipped('prefix-caching', why), checks.skipped('block-size', why)], blockSize: null };
  }
  const load =
    answer.kind === 'answered' && answer.status === 200
      ? loadOf(endpoint, readEngineReport(answer.text, endpoint.engine), { sentAtMs: 0, readAtMs: 0 })
      : null;
  if (load === null) {
    const detail = answer.kind === 'answered' ? `no load in the answer (status ${answer.status})` : answer.why;
    return {
      found: [
        checks.failed(
          'metrics',
          `${endpoint.metricsUrl}: ${detail}`,
          'set "metrics" to the URL of the engine\'s Prometheus metrics, and do not start it with --disable-log-stats',
        ),
      ],
      blockSize: null,
    };
  }
  const { prefixCachingEnabled, blockSize } = load;
  const caching =
    prefixCachingEnabled === null
      ? checks.skipped('prefix-caching', 'the metrics do not say')
      : prefixCachingEnabled
        ? checks.passed('prefix-caching', 'on')
        : checks.failed('prefix-caching', 'off', 'start the engine with --enable-prefix-caching');
  const size =
    blockSize === null
      ? checks.skipped('block-size', 'the metrics do not say; events will')
      : checks.passed('block-size', `${blockSize} tokens`);
  return { found: [checks.passed('metrics', String(endpoint.metricsUrl)), caching, size], blockSize };
};

/** Checks of one engine over HTTP. Null facts where it cannot be reached, so that nothing further is worth trying. */
export const checkEngine = async (
  patient: Patient,
  signal: AbortSignal,
): Promise<{ readonly checks: readonly Check[]; readonly facts: EngineFacts | null }> => {
  const { endpoint, models } = patient;
  const checks = checksOf(endpoint.id);
  const base = `http://${endpoint.address}`;
  const health = await ask(`${base}/health`, { signal });
  if (health.kind === 'unreachable') {
    const mend = 'start the engine, or correct "address" (annotation warmroute.dev/port) and network policies';
    return { checks: [checks.failed('engine-reachable', `${base}: ${health.why}`, mend)], facts: null };
  }
  const [listed, version, metrics] = await Promise.all([
    ask(`${base}/v1/models`, { signal }),
    ask(`${base}/version`, { signal }),
    endpoint.metricsUrl === null ? null : ask(endpoint.metricsUrl, { signal }),
  ]);
  const served =
    listed.kind === 'answered' && listed.status === 200
      ? (parseServedModels(listed.text)?.map(({ id }) => id) ?? null)
      : null;
  const { found, blockSize } = metricsChecks(checks, metrics, patient);
  return {
    checks: [
      health.status === 200
        ? checks.passed('engine-reachable', base)
        : checks.failed('engine-reachable', `${base}/health answers ${health.status}`, "look at the engine's own log"),
      versionCheck(checks, version, endpoint.engine),
      clockCheck(checks, health),
      modelCheck(checks, served, models),
      ...found,
    ],
    facts: { model: models?.[0] ?? served?.[0] ?? null, blockSize },
  };
};
