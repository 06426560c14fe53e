import {
  type Clock,
  type DecisionId,
  decisionId,
  type EndpointId,
  type Metrics,
  type Random,
  silentLogger,
} from '../core/index.ts';
import { createRequestReader, type RequestReader } from '../prompt/index.ts';
import { type Profile, uncachedTokensOf } from '../scheduling/index.ts';
import { type Audit, createAudit } from './audit.ts';
import type { Expectation } from './audit-sample.ts';
import { BookedDecision } from './booked-decision.ts';
import { cacheClearingOf } from './cache-clearing.ts';
import type { DecisionLog } from './decision-log.ts';
import { RememberedDecision, reasonOf } from './decision-record.ts';
import { type Evaluation, evaluate, type PickedEndpoint } from './evaluation.ts';
import type { BookedRequest } from './in-flight.ts';
import type { PoolDirectory, RoutedPool } from './routed-pool.ts';
import type { Decision, Explanation, HandedTokenIds, RouteRequest, Router } from './types.ts';

/** The only orchestrator: request → tokens → match → candidates → schedule → Decision. */
export interface Director extends Router {
  /** The decision a request would get, without side effects. */
  explain(request: RouteRequest): Promise<Explanation>;
}

/** What a director works with. */
export interface DirectorOptions {
  readonly directory: PoolDirectory;
  readonly log: DecisionLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly sessionProfile: Profile;
  /** Default: one of its own, whose findings only records and metrics show. */
  readonly audit?: Audit;
  /** Reads requests; default one that remembers conversations. */
  readonly reader?: Pick<RequestReader, 'readInSlices'>;
}

/** Ids that no two processes share: six random characters, then a counter in base 36. */
const createDecisionIds = (random: Random): (() => DecisionId) => {
  const prefix = Math.floor(random() * 36 ** 6)
    .toString(36)
    .padStart(6, '0');
  let count = 0;
  return () => {
    count += 1;
    return decisionId(`${prefix}-${count.toString(36)}`);
  };
};

const bookPick = (
  pool: RoutedPool,
  picked: PickedEndpoint,
  options: { readonly promptTokens: number; readonly observesResponse: boolean; readonly speculates: boolean },
): BookedRequest => {
  const { candidate, holder, keys, heldBlocks } = picked;
  for (const chain of keys) pool.history.record(holder, chain);
  return pool.inFlight.book({
    endpoint: candidate.endpoint.id,
    holder,
    promptTokens: options.promptTokens,
    uncachedTokens: uncachedTokensOf(options.promptTokens, candidate.cachedTokens),
    keys: options.speculates ? keys : [],
    heldBlocks,
    observesResponse: options.observesResponse,
  });
};

/** Whether an endpoint says that it serves a model; null where it does not say. */
const servesModel = (pool: RoutedPool, endpoint: EndpointId, model: string | null): boolean | null => {
  const { models } = pool.snapshot().endpoints.find((state) => state.endpoint.id === endpoint) ?? { models: null };
  return model === null || models === null ? null : models.some(({ id }) => id === model);
};

const expectationOf = (
  { prompt, parsed, promptTokens, isCounted }: Evaluation,
  { candidate, keys, view }: PickedEndpoint,
  options: { readonly pool: RoutedPool; readonly cachedTokens: number | null; readonly isDrifting: boolean },
): Expectation => {
  const { pool, cachedTokens, isDrifting } = options;
  const { endpoint, trust } = candidate;
  // An expectation lives as long as its response streams: the request's body is not to.
  const { model } = parsed;
  return {
    api: parsed.api,
    cachedTokens,
    promptTokens: isCounted ? promptTokens : null,
    blockSize: keys[0]?.blockSize ?? null,
    // Trust that only the audit itself lowered must not keep it from seeing that all is well again.
    isFirm: view === 'precise' && (trust === 'exact' || (isDrifting && trust === 'degraded')),
    isPromised: view === 'precise' && candidate.cachedTokens > candidate.preciseCachedTokens,
    isSalted: prompt.kind === 'encoded' && prompt.sequences.some(({ identity }) => identity.salt !== null),
    servesModel: () => servesModel(pool, endpoint.id, model),
  };
};

/** The ids to hand over with a decision; null where there are none that the engine would make itself, and only those. */
const handoverOf = ({ prompt, parsed, pool }: Evaluation): (() => HandedTokenIds | null) | null => {
  const member = parsed.tokenIdsMember;
  if (pool?.passesTokenIds !== true || member === null) return null;
  if (prompt.kind !== 'encoded' || prompt.path !== 'exact' || prompt.sequences.length !== 1) return null;
  let [sequence] = prompt.sequences;
  if (sequence?.isWhole !== true || sequence.identity.multimodal.length > 0) return null;
  return () => {
    const handed = sequence === undefined ? null : { member, tokenIds: sequence.tokenIds };
    sequence = undefined;
    return handed;
  };
};

/** What is to be done about the engine's cache once it answered a request. */
const clearingOf = (request: RouteRequest, pool: RoutedPool, endpoint: EndpointId): (() => void) => {
  const clearing = cacheClearingOf(request.method, request.path);
  if (clearing === null) return () => {};
  const cleared = pool.expectClear(endpoint);
  return () => {
    // An engine refuses to reset a cache in use, and answers 200 all the same.
    if (clearing === 'forced' || pool.inFlight.work(endpoint).requests === 0) cleared();
  };
};

/** Creates the director. Each decision is booked before `route` returns and ended by its ticket, exactly once. */
export const createDirector = (options: DirectorOptions): Director => {
  const { directory, log, clock, random, metrics, sessionProfile } = options;
  const { reader = createRequestReader() } = options;
  const context = { directory, reader, clock, random, sessionProfile, isDryRun: false };
  const audit = options.audit ?? createAudit({ log, metrics, clock, logger: silentLogger });
  const nextId = createDecisionIds(random);

  const observeDurations = ({ durations }: Evaluation): void => {
    for (const [step, ms] of Object.entries(durations))
      metrics.observe('decision_duration_seconds', ms / 1000, { step });
  };

  const commit = (evaluation: Evaluation, request: RouteRequest): Decision => {
    const id = nextId();
    const remembered = new RememberedDecision(evaluation, { id, atMs: clock.wallNow(), control: request.control });
    log.add(remembered);
    observeDurations(evaluation);
    const { pool, picked, prompt } = evaluation;
    if (pool === null || picked === null) {
      metrics.count('decisions_total', { pool: pool?.name ?? '', reason: 'no-endpoint' });
      return { kind: 'no-endpoint', id, pool: pool?.name ?? null };
    }
    const { endpoint } = picked.candidate;
    const booked = bookPick(pool, picked, {
      promptTokens: evaluation.promptTokens,
      observesResponse: request.observesResponse,
      speculates: prompt.kind === 'encoded' && prompt.path !== 'text-chunks',
    });
    const expected = expectationOf(evaluation, picked, {
      pool,
      cachedTokens: remembered.cachedTokens,
      isDrifting: audit.driftOf(endpoint.id) !== null,
    });
    const decision = new BookedDecision(remembered, {
      endpoint,
      reason: reasonOf(evaluation, picked),
      pool,
      booked,
      expected,
      audit,
      onAnswered: clearingOf(request, pool, endpoint.id),
      takeTokenIds: handoverOf(evaluation),
    });
    metrics.count('decisions_total', { pool: pool.name, reason: decision.reason });
    audit.book(decision, expected, request.observesResponse);
    return decision;
  };

  return {
    route: (request) => {
      const evaluation = evaluate(context, request);
      return evaluation instanceof Promise
        ? evaluation.then((settled) => commit(settled, request))
        : commit(evaluation, request);
    },
    explain: async (request) => {
      const evaluation = await evaluate({ ...context, isDryRun: true }, request);
      const { prompt } = evaluation;
      const [first] = prompt.kind === 'encoded' ? prompt.sequences : [];
      return {
        record: new RememberedDecision(evaluation, { id: nextId(), atMs: clock.wallNow() }).record(),
        tokenIds: first?.tokenIds ?? null,
      };
    },
  };
};
