import type { ApiKind } from '../prompt/index.ts';

/** What a decision expected of the engine, as far as the audit needs it. */
export interface Expectation {
  readonly api: ApiKind;
  /** Tokens predicted to be cached; null where nothing was predicted. */
  readonly cachedTokens: number | null;
  /** Tokens in the prompt; null where it was not tokenized. */
  readonly promptTokens: number | null;
  /** Tokens a block that the match reckoned with, null where nothing was matched. */
  readonly blockSize: number | null;
  /** Whether the prediction rests on events that are known to be complete. */
  readonly isFirm: boolean;
  /** Whether it rests, in part, on blocks that earlier decisions promise and no event has confirmed. */
  readonly isPromised: boolean;
  readonly isSalted: boolean;
  /** Whether the endpoint says that it serves the request's model, null where that is not known. Asked of misses only. */
  readonly servesModel: () => boolean | null;
}

/**
 * Why a prediction missed, the first that holds. `other-model`: the endpoint does not serve the request's model;
 * `prompt-tokens`: the engine counts other tokens in the prompt; `block-size`: what was cached is no whole number of blocks;
 * `untrusted`: history was missing, as was known; `promised`: a promised block was not computed yet; `salted`: the prompt has
 * a salt, which old engines keep to themselves; `unexplained`: none of these, as where an eviction came in between.
 */
export type MissReason =
  | 'other-model'
  | 'prompt-tokens'
  | 'block-size'
  | 'untrusted'
  | 'promised'
  | 'salted'
  | 'unexplained';

/** One prediction beside what came of it. */
export interface AuditSample {
  readonly predicted: number;
  readonly actual: number;
  /** Null where the prediction was right. */
  readonly missReason: MissReason | null;
  readonly isSalted: boolean;
}

/** Compares one prediction with what the engine reports; `actual` in tokens, of `promptTokens` counted by the engine. */
export const sampleOf = (
  expected: Expectation & { readonly cachedTokens: number },
  observed: { readonly actual: number; readonly promptTokens: number },
): AuditSample => {
  const { cachedTokens: predicted, isSalted } = expected;
  return { predicted, actual: observed.actual, isSalted, missReason: missReasonOf(expected, observed) };
};

const missReasonOf = (
  { cachedTokens, promptTokens, blockSize, ...expected }: Expectation,
  observed: { readonly actual: number; readonly promptTokens: number },
): MissReason | null => {
  const isSameCount = promptTokens === null || promptTokens === observed.promptTokens;
  if (isSameCount && cachedTokens === observed.actual) return null;
  if (expected.servesModel() === false) return 'other-model';
  if (!isSameCount) return 'prompt-tokens';
  if (blockSize !== null && observed.actual % blockSize !== 0) return 'block-size';
  if (!expected.isFirm) return 'untrusted';
  if (expected.isPromised && (cachedTokens ?? 0) > observed.actual) return 'promised';
  return expected.isSalted ? 'salted' : 'unexplained';
};
