import { type PromptEncoder, parseRequest } from '../../prompt/index.ts';
import { ask, memberOf } from './ask.ts';
import { type Check, checksOf } from './check.ts';
import { tokenizeProbes } from './probe-requests.ts';
import type { Patient } from './subject.ts';

const name = 'token-ids';

type Body = Readonly<Record<string, unknown>>;

/** What a generation says of its prompt and what came of it. */
interface Outcome {
  readonly promptTokens: unknown;
  /** Ids of the prompt as the engine computed it; undefined where it does not tell. */
  readonly promptIds: unknown;
  readonly answer: unknown;
}

/** How the requests of one API bring ids, and what their answers tell. */
interface Form {
  readonly path: string;
  /** What is asked for besides a prompt. */
  readonly options: Body;
  handing(body: Body, ids: Int32Array): Body;
  outcome(json: unknown): Outcome;
}

const firstChoice = (json: unknown): unknown => {
  const choices = memberOf(json, 'choices');
  return Array.isArray(choices) ? choices[0] : undefined;
};

const withParameters = (body: Body, ids: Int32Array): Body => ({
  ...body,
  kv_transfer_params: { prompt_token_ids: [...ids] },
});

const greedy = { max_tokens: 4, temperature: 0 };

const chatForm: Form = {
  path: '/v1/chat/completions',
  options: { ...greedy, seed: 1, return_token_ids: true },
  handing: withParameters,
  outcome: (json) => ({
    promptTokens: memberOf(memberOf(json, 'usage'), 'prompt_tokens'),
    promptIds: memberOf(json, 'prompt_token_ids'),
    answer: memberOf(firstChoice(json), 'message'),
  }),
};

const completionForm: Form = {
  path: '/v1/completions',
  options: { ...greedy, seed: 1, return_token_ids: true },
  handing: (body, ids) => ({ ...body, prompt: [...ids] }),
  outcome: (json) => ({
    promptTokens: memberOf(memberOf(json, 'usage'), 'prompt_tokens'),
    promptIds: memberOf(firstChoice(json), 'prompt_token_ids'),
    answer: memberOf(firstChoice(json), 'text'),
  }),
};

/** Tokens of the prompt that Anthropic's usage counts apart by where they came from. */
const inputCounts = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'];

const messageForm: Form = {
  path: '/v1/messages',
  options: greedy,
  handing: withParameters,
  outcome: (json) => {
    const usage = memberOf(json, 'usage');
    return {
      promptTokens: inputCounts.reduce((sum, count) => sum + Number(memberOf(usage, count) ?? 0), 0),
      promptIds: undefined,
      answer: memberOf(json, 'content'),
    };
  },
};

/** Requests whose answers are compared: chats of one turn, of several, with tools; the same as messages; texts. */
const examples: readonly { readonly form: Form; readonly probes: ReadonlySet<string> }[] = [
  { form: chatForm, probes: new Set(['chat 1', 'chat 3', 'chat 8']) },
  { form: messageForm, probes: new Set(['chat 1', 'chat 3']) },
  { form: completionForm, probes: new Set(['text 1', 'text 8']) },
];

interface Probe {
  readonly name: string;
  readonly body: Body;
  readonly ids: Int32Array;
}

/** How many requests of a form were answered the same, or why not; `ignored`: the engine took no notice of ids. */
type Parity = { readonly same: number } | 'ignored' | { readonly differs: string };

/**
 * Compares answers to requests with and without ids, then hands over fewer ids than the prompt has to see them taken. What
 * the engine refuses anyway, as tools without --enable-auto-tool-choice, is left out.
 */
const compare = async (
  form: Form,
  probes: readonly Probe[],
  { base, signal }: { readonly base: string; readonly signal: AbortSignal },
): Promise<Parity> => {
  const generate = async (body: Body): Promise<Outcome | null> => {
    const answer = await ask(base + form.path, { body, signal });
    return answer.kind === 'unreachable' || answer.status !== 200 ? null : form.outcome(answer.json);
  };
  let isTaken = false;
  let same = 0;
  for (const { name: probe, body, ids } of probes) {
    const plain = await generate(body);
    if (plain === null) continue;
    const handed = await generate(form.handing(body, ids));
    const what = `${form.path}, ${probe}`;
    if (handed === null) return { differs: `${what} is refused with ids` };
    if (Array.isArray(plain.promptIds) && plain.promptIds.join() !== ids.join())
      return { differs: `${what}: the engine has other ids for the prompt` };
    if (plain.promptTokens !== handed.promptTokens) return { differs: `${what}: usage differs` };
    if (JSON.stringify(plain.answer) !== JSON.stringify(handed.answer))
      return { differs: `${what}: the answer differs` };
    const half = ids.subarray(0, ids.length >>> 1);
    const shorter = await generate(form.handing(body, half));
    isTaken ||= shorter?.promptTokens === half.length;
    same += 1;
  }
  return isTaken || same === 0 ? { same } : 'ignored';
};

const idsOf = async (encoder: PromptEncoder, path: string, body: Body): Promise<Int32Array | null> => {
  const parsed = parseRequest({ path, body: Buffer.from(JSON.stringify(body)), isComplete: true });
  const encoded = await encoder.encode(parsed, { loraName: null });
  const [sequence] = encoded.kind === 'encoded' ? encoded.sequences : [];
  return sequence?.tokenIds ?? null;
};

/** Compares requests of all APIs; where one cannot be encoded, its name. */
const compareAll = async (
  encoder: PromptEncoder,
  model: string,
  at: { readonly base: string; readonly signal: AbortSignal },
): Promise<Parity | { readonly unreadable: string }> => {
  let same = 0;
  let isIgnored = false;
  for (const { form, probes: names } of examples) {
    const probes: Probe[] = [];
    for (const { name: probe, body: prompt } of tokenizeProbes(model).filter((each) => names.has(each.name))) {
      const body = { ...prompt, ...form.options };
      const ids = await idsOf(encoder, form.path, body);
      if (ids === null) return { unreadable: probe };
      probes.push({ name: probe, body, ids });
    }
    const parity = await compare(form, probes, at);
    if (parity === 'ignored') isIgnored = true;
    else if ('differs' in parity) return parity;
    else same += parity.same;
  }
  if (isIgnored) return 'ignored';
  return same === 0 ? { differs: 'no request was answered' } : { same };
};

/**
 * Whether an engine takes token ids from the sidecar (`passTokenIds` of the pool) and answers as it does without. Sends a
 * few requests of four tokens each, where that is allowed.
 */
export const checkTokenIds = async (
  { endpoint }: Patient,
  options: {
    readonly encoder: PromptEncoder;
    readonly model: string;
    /** Whether the pool hands ids over. */
    readonly passes: boolean;
    readonly mayProbe: boolean;
    readonly signal: AbortSignal;
  },
): Promise<Check> => {
  const { encoder, model, passes, mayProbe, signal } = options;
  const checks = checksOf(endpoint.id);
  if (!mayProbe) return checks.skipped(name, 'compared with --probe only, by a few tiny requests');
  if (encoder.path !== 'exact') return checks.skipped(name, 'ids are handed over on the exact tokenizer path only');
  const parity = await compareAll(encoder, model, { base: `http://${endpoint.address}`, signal });
  if (parity !== 'ignored' && 'unreadable' in parity)
    return checks.skipped(name, `${parity.unreadable} cannot be encoded`);
  if (parity !== 'ignored' && 'same' in parity) {
    const detail = `${parity.same} requests are answered the same with ids handed over`;
    return checks.passed(name, passes ? detail : `${detail}: passTokenIds may be switched on`);
  }
  if (parity === 'ignored') {
    const detail = 'the engine ignores ids that are handed over';
    if (!passes) return checks.skipped(name, detail);
    return checks.warning(name, detail, 'upgrade to vLLM 0.27 or later, or set the pool\'s "passTokenIds" to false');
  }
  const mend = passes
    ? 'set the pool\'s "passTokenIds" to false until tokenizer-agrees and this check pass'
    : 'leave the pool\'s "passTokenIds" off';
  return passes ? checks.failed(name, parity.differs, mend) : checks.warning(name, parity.differs, mend);
};
