import type { Clock, Random } from '../core/index.ts';
import type { EncodedPrompt, ParsedRequest, RequestReader } from '../prompt/index.ts';
import { type Profile, preview, type Schedule, schedule } from '../scheduling/index.ts';
import { eligibleEndpoints } from './eligibility.ts';
import { EndpointMatcher, type PickedEndpoint } from './endpoint-matcher.ts';
import { choosePool } from './pool-choice.ts';
import { countTokens } from './prompt-match.ts';
import type { PoolDirectory, RoutedPool } from './routed-pool.ts';
import type { RouteRequest, StepDurations } from './types.ts';

export type { PickedEndpoint } from './endpoint-matcher.ts';

/** Bytes a token stands for where a prompt could not be tokenized. */
const BYTES_PER_TOKEN = 4;

/** What was found out about one request without booking anything. */
export interface Evaluation {
  readonly parsed: ParsedRequest;
  readonly pool: RoutedPool | null;
  readonly isModelKnown: boolean;
  readonly prompt: EncodedPrompt;
  /** Tokens in the prompt: counted, or estimated from its bytes where `isCounted` is false. */
  readonly promptTokens: number;
  readonly isCounted: boolean;
  readonly schedule: Schedule;
  readonly picked: PickedEndpoint | null;
  readonly durations: StepDurations;
}

/** Fixed arguments of every evaluation. */
export interface EvaluationContext {
  readonly directory: PoolDirectory;
  readonly reader: Pick<RequestReader, 'readInSlices'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Used instead of the pool's profile where a prompt is unknown and the client named a session. */
  readonly sessionProfile: Profile;
  /** True where nothing is carried out, so that pickers keep their position. */
  readonly isDryRun: boolean;
}

const sessionOf = (request: RouteRequest, parsed: ParsedRequest): string | null =>
  request.header('x-session-id') ?? parsed.sessionId;

const emptySchedule: Schedule = {
  picked: null,
  candidates: [],
  removedBy: null,
  totals: new Float64Array(0),
  columns: [],
};

const emptyRequest = (bodyBytes: number): ParsedRequest => ({
  api: 'other',
  model: null,
  isStreaming: false,
  sessionId: null,
  readsCache: true,
  tokenIdsMember: null,
  unreadable: null,
  bodyBytes,
});

const parse = ({ reader }: EvaluationContext, request: RouteRequest): ParsedRequest | Promise<ParsedRequest> => {
  if (request.body === null || request.body.length === 0) return emptyRequest(request.wholeBodyBytes ?? 0);
  return reader.readInSlices({ path: request.path, body: request.body, isComplete: request.isBodyComplete });
};

const estimateTokens = (request: RouteRequest, parsed: ParsedRequest): number =>
  Math.ceil((request.wholeBodyBytes ?? parsed.bodyBytes) / BYTES_PER_TOKEN);

/** A request as read, since when that took. */
interface Parsing {
  readonly parsed: ParsedRequest;
  readonly startedMs: number;
}

/** Chooses the pool and encodes; the part that may have to wait for a remote tokenizer. */
const encodePrompt = (context: EvaluationContext, { parsed, startedMs }: Parsing) => {
  const parsedMs = context.clock.now();
  const choice = choosePool(context.directory, parsed.model);
  const encoder = choice?.pool.encoder() ?? null;
  const prompt: EncodedPrompt | Promise<EncodedPrompt> =
    parsed.api === 'other' || choice === null
      ? { kind: 'unknown', why: parsed.unreadable ?? 'no-prompt' }
      : parsed.unreadable !== null
        ? { kind: 'unknown', why: parsed.unreadable }
        : encoder === null
          ? { kind: 'unknown', why: 'tokenizer' }
          : encoder.encode(parsed, { loraName: choice.loraName, mayWait: true });
  return { parsed, choice, prompt, startedMs, parsedMs };
};

type ReadPrompt = Omit<ReturnType<typeof encodePrompt>, 'prompt'> & { readonly prompt: EncodedPrompt };

const decide = (context: EvaluationContext, request: RouteRequest, read: ReadPrompt): Evaluation => {
  const { parsed, choice, prompt, startedMs, parsedMs } = read;
  const { clock } = context;
  const encodedMs = clock.now();
  const sequences = prompt.kind === 'encoded' ? prompt.sequences : [];
  const isCounted =
    prompt.kind === 'encoded' && prompt.path !== 'text-chunks' && sequences.every(({ isWhole }) => isWhole);
  const promptTokens = isCounted
    ? countTokens(sequences)
    : Math.max(
        estimateTokens(request, parsed),
        prompt.kind === 'encoded' && prompt.path !== 'text-chunks' ? countTokens(sequences) : 0,
      );
  const base = { parsed, prompt, promptTokens, isCounted, isModelKnown: choice?.isModelKnown ?? false };
  if (choice === null) {
    const durations = { parse: parsedMs - startedMs };
    return { ...base, pool: null, schedule: emptySchedule, picked: null, durations };
  }
  const { pool } = choice;
  pool.inFlight.advance();
  const states = eligibleEndpoints(pool.snapshot().endpoints, request, choice.loraName);
  const matcher = new EndpointMatcher(pool, { prompt, readsCache: parsed.readsCache });
  const candidates = states.map((state) => matcher.candidate(state));
  const matchedMs = clock.now();
  const sessionId = sessionOf(request, parsed);
  const profile = prompt.kind === 'unknown' && sessionId !== null ? context.sessionProfile : pool.profile;
  const outcome = (context.isDryRun ? preview : schedule)(
    { promptTokens, sessionId, random: context.random },
    candidates,
    profile,
  );
  const chosen = outcome.picked;
  const state = chosen === null ? undefined : states[candidates.indexOf(chosen)];
  const picked = chosen === null || state === undefined ? null : matcher.picked(state, chosen);
  const durations: StepDurations = {
    parse: parsedMs - startedMs,
    tokenize: encodedMs - parsedMs,
    match: matchedMs - encodedMs,
    schedule: clock.now() - matchedMs,
  };
  return { ...base, pool, schedule: outcome, picked, durations };
};

const encodeAndDecide = (
  context: EvaluationContext,
  request: RouteRequest,
  parsing: Parsing,
): Evaluation | Promise<Evaluation> => {
  const read = encodePrompt(context, parsing);
  const { prompt } = read;
  if (prompt instanceof Promise)
    return prompt.then((encoded) => decide(context, request, { ...read, prompt: encoded }));
  return decide(context, request, { ...read, prompt });
};

/**
 * Looks at one request: parse, tokenize, match, schedule. Books nothing and changes nothing but moving in-flight
 * bookings on. A promise where a remote tokenizer is asked, or long new text is read and encoded in slices.
 */
export const evaluate = (context: EvaluationContext, request: RouteRequest): Evaluation | Promise<Evaluation> => {
  const startedMs = context.clock.now();
  const parsed = parse(context, request);
  return parsed instanceof Promise
    ? parsed.then((settled) => encodeAndDecide(context, request, { parsed: settled, startedMs }))
    : encodeAndDecide(context, request, { parsed, startedMs });
};
