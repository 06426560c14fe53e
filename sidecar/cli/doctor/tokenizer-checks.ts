import { type PromptEncoder, parseRequest } from '../../prompt/index.ts';
import { ask, memberOf } from './ask.ts';
import { type Check, checksOf } from './check.ts';
import { tokenizeProbes } from './probe-requests.ts';
import type { Patient } from './subject.ts';

const folderMend =
  'set the pool\'s "tokenizer" (annotation warmroute.dev/tokenizer) to the folder with the model\'s tokenizer.json, tokenizer_config.json and chat_template.jinja';

/** Which tokenizer path a pool is on, and why; null while it is loading. */
export const tokenizerPathCheck = (pool: string, path: string | null, detail: string): Check => {
  const checks = checksOf(pool);
  switch (path) {
    case 'exact':
      return checks.passed('tokenizer-path', detail);
    case 'package':
      return checks.warning('tokenizer-path', detail, 'predictions are right as far as tokenizer-agrees says so');
    case 'remote':
      return checks.warning('tokenizer-path', detail, `saves a round trip to an engine each request: ${folderMend}`);
    case null:
      return checks.skipped('tokenizer-path', detail);
    default:
      return checks.failed('tokenizer-path', detail, folderMend);
  }
};

const isIdList = (value: unknown): value is readonly number[] => Array.isArray(value);

type ProbeResult = 'same' | 'different' | 'refused' | 'absent';

const absentStatuses: ReadonlySet<number> = new Set([403, 404, 405, 501]);

const probe = async (url: string, encoder: PromptEncoder, body: unknown, signal: AbortSignal): Promise<ProbeResult> => {
  const answer = await ask(url, { body, signal });
  if (answer.kind === 'unreachable' || absentStatuses.has(answer.status)) return 'absent';
  const parsed = parseRequest({ path: '/tokenize', body: Buffer.from(JSON.stringify(body)), isComplete: true });
  const encoded = await encoder.encode(parsed, { loraName: null });
  const expected = memberOf(answer.json, 'tokens');
  if (answer.status !== 200 || !isIdList(expected)) return 'refused';
  const own = encoded.kind === 'encoded' ? (encoded.sequences[0]?.tokenIds ?? null) : null;
  if (own === null || own.length !== expected.length) return 'different';
  return own.every((id, at) => id === expected[at]) ? 'same' : 'different';
};

/** Compares tokens of twenty probes with the engine's `/tokenize`. */
export const checkTokenizer = async (
  { endpoint }: Patient,
  options: { readonly encoder: PromptEncoder; readonly model: string; readonly signal: AbortSignal },
): Promise<Check> => {
  const checks = checksOf(endpoint.id);
  const { encoder, model, signal } = options;
  const name = 'tokenizer-agrees';
  if (encoder.path === 'text-chunks') return checks.skipped(name, 'there is no tokenizer to compare');
  if (encoder.path === 'remote') return checks.skipped(name, 'the engine itself tokenizes');
  const probes = tokenizeProbes(model);
  const url = `http://${endpoint.address}/tokenize`;
  const results = await Promise.all(
    probes.map(async ({ name: probeName, body }) => ({
      probeName,
      result: await probe(url, encoder, body, signal),
    })),
  );
  const named = (wanted: ProbeResult): readonly string[] =>
    results.filter(({ result }) => result === wanted).map(({ probeName }) => probeName);
  if (named('absent').length > 0) return checks.skipped(name, 'the engine has no /tokenize');
  const different = named('different');
  const same = named('same').length;
  const refused = named('refused').length;
  const refusals = refused === 0 ? '' : `, ${refused} refused by the engine`;
  if (different.length === 0 && same > 0) {
    return checks.passed(name, `${same} of ${probes.length} probes equal${refusals}`);
  }
  const onlyChats = different.length > 0 && different.every((probeName) => probeName.startsWith('chat'));
  return checks.failed(
    name,
    `${different.length} of ${probes.length} probes differ (${different.join(', ') || 'none was answered'}${refusals})`,
    onlyChats
      ? "texts agree, conversations do not: give the folder the engine's own chat_template.jinja (its --chat-template), and its --default-chat-template-kwargs as chatTemplateKwargs"
      : folderMend,
  );
};
