import { type DecisionId, type ModelName, modelName } from '../core/index.ts';
import { CandidateTable } from './candidate-table.ts';
import type { Evaluation, PickedEndpoint } from './evaluation.ts';
import type { DecisionRecord, RequestControl, RouteReason } from './types.ts';

/** What decided. */
export const reasonOf = (evaluation: Evaluation, picked: PickedEndpoint): RouteReason => {
  const { prompt, parsed } = evaluation;
  if (prompt.kind === 'unknown') {
    const hasSession = evaluation.schedule.columns.some(({ scorer }) => scorer === 'session-affinity-scorer');
    if (hasSession) return 'session';
    if (!evaluation.isModelKnown) return 'fallback-model';
    return parsed.api === 'other' && parsed.unreadable === null ? 'load' : `fallback-${prompt.why}`;
  }
  if (!evaluation.isModelKnown) return 'fallback-model';
  if (picked.candidate.cachedTokens === 0) return 'load';
  return picked.view === 'precise' ? 'prefix' : 'approximate';
};

const predictionOf = (evaluation: Evaluation, picked: PickedEndpoint): number | null => {
  const { prompt } = evaluation;
  if (prompt.kind === 'unknown' || prompt.path === 'text-chunks' || !picked.isPredictable) return null;
  return picked.candidate.cachedTokens;
};

const modelOf = (model: string | null): ModelName | null =>
  model === null || model === '' ? null : modelName(model.slice(0, 1024));

/**
 * What is remembered of one decision. Thousands are, and few are ever looked at, so that what takes work or room is made when
 * a record is asked for.
 */
export class RememberedDecision {
  readonly id: DecisionId;
  readonly candidates: CandidateTable;
  readonly #fields: Omit<DecisionRecord, 'id' | 'at' | 'candidates'>;
  readonly #atMs: number;
  readonly #control: RequestControl | undefined;

  constructor(
    evaluation: Evaluation,
    {
      id,
      atMs,
      control,
    }: { readonly id: DecisionId; readonly atMs: number; readonly control?: RequestControl | undefined },
  ) {
    const { picked, parsed, pool } = evaluation;
    this.id = id;
    this.candidates = new CandidateTable(evaluation.schedule);
    this.#atMs = atMs;
    this.#control = control;
    this.#fields = {
      pool: pool?.name ?? null,
      model: modelOf(parsed.model),
      api: parsed.api,
      promptTokens: evaluation.isCounted ? evaluation.promptTokens : null,
      endpoint: picked?.candidate.endpoint.address ?? null,
      rank: picked?.candidate.endpoint.rank ?? null,
      reason: picked === null ? 'no-endpoint' : reasonOf(evaluation, picked),
      predictedCachedTokens: picked === null ? null : predictionOf(evaluation, picked),
      actualCachedTokens: null,
      durationsMs: evaluation.durations,
    };
  }

  /** Tokens in the prompt, null where they were not counted. */
  get promptTokens(): number | null {
    return this.#fields.promptTokens;
  }

  /** Tokens predicted to be in the pick's cache, null where nothing is predicted. */
  get cachedTokens(): number | null {
    return this.#fields.predictedCachedTokens;
  }

  /** The decision as the admin API shows it. */
  record(): DecisionRecord {
    return {
      id: this.id,
      at: new Date(this.#atMs).toISOString(),
      ...this.#fields,
      candidates: this.candidates.records(),
      ...(this.#control === undefined ? {} : { control: this.#control }),
    };
  }
}
