import { type Clock, type Random, SidecarError } from '../core/index.ts';
import type { BlockKeys, Holder } from '../kvindex/index.ts';
import type { EndpointState } from '../pool/index.ts';
import type { EncodedPrompt, ParsedRequest, PromptSequence, RequestReader } from '../prompt/index.ts';
import { type Candidate, type Profile, preview, type Schedule, schedule } from '../scheduling/index.ts';
import { eligibleEndpoints } from './eligibility.ts';
import { choosePool } from './pool-choice.ts';
import { countTokens, type KeyedSequence, keySequences, type Matcher, PromptMatch } from './prompt-match.ts';
import type { EndpointTrust, PoolDirectory, RoutedPool } from './routed-pool.ts';
import type { RouteRequest, StepDurations } from './types.ts';

/** Block size taken for granted while nothing is known of an engine; vLLM's default on GPUs. */
const ASSUMED_BLOCK_SIZE = 16;
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

/** The pick with what a booking needs. */
export interface PickedEndpoint {
  readonly candidate: Candidate;
  readonly holder: Holder;
  readonly keys: readonly BlockKeys[];
  /** Blocks of each sequence that the index holds there, by events alone. */
  readonly heldBlocks: readonly number[];
  /** Which view gave its cached tokens. */
  readonly view: 'precise' | 'approximate';
  /** False where a cut-off prompt may have more cached than is known. */
  readonly isPredictable: boolean;
}

/** Fixed arguments of every evaluation. */
export interface EvaluationContext {
  readonly directory: PoolDirectory;
  readonly reader: RequestReader;
  readonly clock: Clock;
  readonly random: Random;
  /** Used instead of the pool's profile where a prompt is unknown and the client named a session. */
  readonly sessionProfile: Profile;
  /** True where nothing is carried out, so that pickers keep their position. */
  readonly isDryRun: boolean;
}

interface EndpointMatch {
  readonly holder: Holder | null;
  readonly trust: EndpointTrust;
  readonly views: PromptViews;
  readonly precise: number;
  readonly approximate: number;
  /** What scheduling reckons with, and the prediction. */
  readonly cached: number;
  readonly view: 'precise' | 'approximate';
  readonly isPredictable: boolean;
}

const sessionOf = (request: RouteRequest, parsed: ParsedRequest): string | null =>
  request.header('x-session-id') ?? parsed.sessionId;

/** Block size of an endpoint: what it reports, else what the pool's events show, else vLLM's default. */
const blockSizeOf = (state: EndpointState, known: readonly number[]): number => {
  const [only] = known;
  if (known.length === 1 && only !== undefined) return only;
  return state.load?.blockSize ?? only ?? ASSUMED_BLOCK_SIZE;
};

const combine = (
  trust: EndpointTrust,
  tokens: { readonly precise: number; readonly speculative: number; readonly approximate: number },
): { readonly cached: number; readonly view: 'precise' | 'approximate' } => {
  switch (trust.trust) {
    case 'exact':
      return { cached: Math.max(tokens.precise, tokens.speculative), view: 'precise' };
    case 'degraded': {
      // What events do not tell, own history may: its word counts as much as is missing.
      const guessed = Math.floor(tokens.approximate * trust.missingShare);
      const known = Math.max(tokens.precise, tokens.speculative);
      return guessed > known ? { cached: guessed, view: 'approximate' } : { cached: known, view: 'precise' };
    }
    case 'fallback':
      return { cached: Math.max(tokens.approximate, tokens.speculative), view: 'approximate' };
  }
};

/** A prompt under one block size, as each view knows it; a view is asked when it is needed first. */
class PromptViews {
  readonly keyed: readonly KeyedSequence[];
  readonly #pool: RoutedPool;
  #precise: PromptMatch | null = null;
  #speculative: PromptMatch | null = null;
  #approximate: PromptMatch | null = null;

  constructor(pool: RoutedPool, sequences: readonly PromptSequence[], blockSize: number) {
    this.#pool = pool;
    this.keyed = keySequences(sequences, { blockSize, seed: pool.index.keySeed });
  }

  get precise(): PromptMatch {
    this.#precise ??= this.#match(this.#pool.index);
    return this.#precise;
  }

  get speculative(): PromptMatch {
    this.#speculative ??= this.#match(this.#pool.inFlight.speculativeView);
    return this.#speculative;
  }

  get approximate(): PromptMatch {
    this.#approximate ??= this.#match(this.#pool.history);
    return this.#approximate;
  }

  #match(view: Matcher): PromptMatch {
    return new PromptMatch(view, this.keyed, this.#pool.index.capacity);
  }
}

/** Matches a prompt against every eligible endpoint, once for each block size in use. */
const matchEndpoints = (
  pool: RoutedPool,
  states: readonly EndpointState[],
  options: { readonly prompt: EncodedPrompt; readonly readsCache: boolean },
): readonly EndpointMatch[] => {
  const known = pool.index.blockSizes();
  const sequences = options.prompt.kind === 'encoded' ? options.prompt.sequences : [];
  const byBlockSize = new Map<number, PromptViews>();
  let last: { readonly blockSize: number; readonly views: PromptViews } | null = null;
  const viewsOf = (blockSize: number): PromptViews => {
    if (last?.blockSize === blockSize) return last.views;
    const views = byBlockSize.get(blockSize) ?? new PromptViews(pool, sequences, blockSize);
    byBlockSize.set(blockSize, views);
    last = { blockSize, views };
    return views;
  };
  const usesHistory = pool.profile.scorers.some(({ scorer }) => scorer.type === 'prefix-cache-scorer');
  // Text chunks are no engine's blocks: only own history knows them.
  const isTokens = options.prompt.kind === 'encoded' && options.prompt.path !== 'text-chunks';
  return states.map((state) => {
    const { id } = state.endpoint;
    const holder = pool.holderOf(id) ?? null;
    const trust: EndpointTrust = isTokens ? pool.trustOf(id) : { trust: 'fallback', missingShare: 1 };
    const views = viewsOf(blockSizeOf(state, known));
    if (holder === null || !options.readsCache) {
      return { holder, trust, views, precise: 0, approximate: 0, cached: 0, view: 'precise', isPredictable: true };
    }
    const precise = isTokens ? views.precise.tokensOf(holder) : 0;
    const speculative = isTokens ? views.speculative.tokensOf(holder) : 0;
    const approximate = usesHistory || trust.trust !== 'exact' ? views.approximate.tokensOf(holder) : 0;
    const { cached, view } = combine(trust, { precise, speculative, approximate });
    const isPredictable =
      isTokens && !views.precise.reachesUnknown(holder) && !views.speculative.reachesUnknown(holder);
    return { holder, trust, views, precise, approximate, cached, view, isPredictable };
  });
};

const emptySchedule: Schedule = { picked: null, evaluations: [] };

const emptyRequest = (bodyBytes: number): ParsedRequest => ({
  api: 'other',
  model: null,
  isStreaming: false,
  sessionId: null,
  readsCache: true,
  unreadable: null,
  bodyBytes,
});

const parse = (reader: RequestReader, request: RouteRequest): ParsedRequest => {
  if (request.body === null || request.body.length === 0) return emptyRequest(request.wholeBodyBytes ?? 0);
  return reader.read({ path: request.path, body: request.body, isComplete: request.isBodyComplete });
};

const estimateTokens = (request: RouteRequest, parsed: ParsedRequest): number =>
  Math.ceil((request.wholeBodyBytes ?? parsed.bodyBytes) / BYTES_PER_TOKEN);

/** Parse, choose the pool and encode; the part that may have to wait for a remote tokenizer. */
const readPrompt = (context: EvaluationContext, request: RouteRequest) => {
  const startedMs = context.clock.now();
  const parsed = parse(context.reader, request);
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
          : encoder.encode(parsed, { loraName: choice.loraName });
  return { parsed, choice, prompt, startedMs, parsedMs };
};

type ReadPrompt = Omit<ReturnType<typeof readPrompt>, 'prompt'> & { readonly prompt: EncodedPrompt };

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
  const matches = matchEndpoints(pool, states, { prompt, readsCache: parsed.readsCache });
  const matchedMs = clock.now();
  const candidates = states.map((state, position): Candidate => {
    const match = matches[position];
    if (match === undefined) throw new SidecarError('internal', 'an endpoint was not matched');
    return {
      endpoint: state.endpoint,
      load: state.load,
      work: pool.inFlight.work(state.endpoint.id),
      trust: match.trust.trust,
      cachedTokens: match.cached,
      preciseCachedTokens: match.precise,
      approximateCachedTokens: match.approximate,
    };
  });
  const sessionId = sessionOf(request, parsed);
  const profile = prompt.kind === 'unknown' && sessionId !== null ? context.sessionProfile : pool.profile;
  const outcome = (context.isDryRun ? preview : schedule)(
    { promptTokens, sessionId, random: context.random },
    candidates,
    profile,
  );
  const match = outcome.picked === null ? undefined : matches[candidates.indexOf(outcome.picked)];
  const picked: PickedEndpoint | null =
    outcome.picked === null || match === undefined || match.holder === null
      ? null
      : {
          candidate: outcome.picked,
          holder: match.holder,
          keys: match.views.keyed.map(({ keys }) => keys),
          heldBlocks: match.views.precise.blocksOf(match.holder),
          view: match.view,
          isPredictable: match.isPredictable,
        };
  const durations: StepDurations = {
    parse: parsedMs - startedMs,
    tokenize: encodedMs - parsedMs,
    match: matchedMs - encodedMs,
    schedule: clock.now() - matchedMs,
  };
  return { ...base, pool, schedule: outcome, picked, durations };
};

/**
 * Looks at one request: parse, tokenize, match, schedule. Books nothing and changes nothing but moving in-flight
 * bookings on. A promise only where a remote tokenizer is asked.
 */
export const evaluate = (context: EvaluationContext, request: RouteRequest): Evaluation | Promise<Evaluation> => {
  const read = readPrompt(context, request);
  const { prompt } = read;
  if (prompt instanceof Promise)
    return prompt.then((encoded) => decide(context, request, { ...read, prompt: encoded }));
  return decide(context, request, { ...read, prompt });
};
