import { type PromptEncoder, parseRequest } from '../../prompt/index.ts';
import { ask, memberOf } from './ask.ts';
import { type Check, checksOf } from './check.ts';
import { tokenizeProbes } from './probe-requests.ts';
import type { Patient } from './subject.ts';

const name = 'token-ids';
const path = '/v1/chat/completions';
/** Conversations whose answers are compared: a plain one, several turns, tools. */
const conversations: ReadonlySet<string> = new Set(['chat 1', 'chat 3', 'chat 8']);

/** What a generation says of its prompt and what came of it. */
interface Outcome {
  readonly promptTokens: unknown;
  /** Ids of the prompt as the engine computed it; undefined where it does not tell. */
  readonly promptIds: unknown;
  readonly message: unknown;
}

type Body = Readonly<Record<string, unknown>>;

const generate = async (url: string, body: Body, signal: AbortSignal): Promise<Outcome | null> => {
  const answer = await ask(url, { body, signal });
  if (answer.kind === 'unreachable' || answer.status !== 200) return null;
  const { json } = answer;
  const choices = memberOf(json, 'choices');
  return {
    promptTokens: memberOf(memberOf(json, 'usage'), 'prompt_tokens'),
    promptIds: memberOf(json, 'prompt_token_ids'),
    message: JSON.stringify(memberOf(Array.isArray(choices) ? choices[0] : undefined, 'message')),
  };
};

const handing = (body: Body, ids: Int32Array): Body => ({
  ...body,
  kv_transfer_params: { prompt_token_ids: [...ids] },
});

/** How many chats were answered the same, or why not; `ignored`: the engine took no notice of ids. */
type Parity = { readonly same: number } | 'ignored' | { readonly differs: string };

/**
 * Compares answers to requests with and without ids, then hands over fewer ids than the prompt has to see them taken. What
 * the engine refuses anyway, as tools without --enable-auto-tool-choice, is left out.
 */
const compare = async (
  url: string,
  probes: readonly { readonly name: string; readonly body: Body; readonly ids: Int32Array }[],
  signal: AbortSignal,
): Promise<Parity> => {
  let isTaken = false;
  let same = 0;
  for (const { name: probe, body, ids } of probes) {
    const plain = await generate(url, body, signal);
    if (plain === null) continue;
    const handed = await generate(url, handing(body, ids), signal);
    if (handed === null) return { differs: `${probe} is refused with ids` };
    if (Array.isArray(plain.promptIds) && plain.promptIds.join() !== ids.join())
      return { differs: `${probe}: the engine has other ids for the prompt` };
    if (plain.promptTokens !== handed.promptTokens) return { differs: `${probe}: usage differs` };
    if (plain.message !== handed.message) return { differs: `${probe}: the answer differs` };
    const half = ids.subarray(0, ids.length >>> 1);
    const shorter = await generate(url, handing(body, half), signal);
    isTaken ||= shorter?.promptTokens === half.length;
    same += 1;
  }
  if (same === 0) return { differs: 'no chat was answered' };
  return isTaken ? { same } : 'ignored';
};

const idsOf = async (encoder: PromptEncoder, body: Body): Promise<Int32Array | null> => {
  const parsed = parseRequest({ path, body: Buffer.from(JSON.stringify(body)), isComplete: true });
  const encoded = await encoder.encode(parsed, { loraName: null });
  const [sequence] = encoded.kind === 'encoded' ? encoded.sequences : [];
  return sequence?.tokenIds ?? null;
};

/**
 * Whether an engine takes token ids from the sidecar (`passTokenIds` of the pool) and answers as it does without. Sends a
 * few chats of four tokens each, where that is allowed.
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
  if (!mayProbe) return checks.skipped(name, 'compared with --probe only, by a few tiny chats');
  if (encoder.path !== 'exact') return checks.skipped(name, 'ids are handed over on the exact tokenizer path only');
  const probes = [];
  for (const probe of tokenizeProbes(model).filter((each) => conversations.has(each.name))) {
    const body = { ...probe.body, max_tokens: 4, temperature: 0, seed: 1, return_token_ids: true };
    const ids = await idsOf(encoder, body);
    if (ids === null) return checks.skipped(name, `${probe.name} cannot be encoded`);
    probes.push({ name: probe.name, body, ids });
  }
  const parity = await compare(`http://${endpoint.address}${path}`, probes, signal);
  if (parity !== 'ignored' && 'same' in parity) {
    const detail = `${parity.same} chats are answered the same with ids handed over`;
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
