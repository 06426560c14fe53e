import type { Metrics } from '../core/index.ts';
import type { DecisionLog } from './decision-log.ts';
import type { ObservedUsage, RoutedDecision } from './types.ts';

/** Compares what was predicted with what the engine reports, once a request. */
export interface Audit {
  observe(decision: RoutedDecision, usage: ObservedUsage): void;
}

/** Writes the comparison to the decision's record and to `predictions_total` and `prediction_error_tokens_total`. */
export const createAudit = (options: { readonly log: DecisionLog; readonly metrics: Metrics }): Audit => ({
  observe: (decision, usage) => {
    const { id, pool, reason, cachedTokens: predicted, promptTokens } = decision;
    options.log.amend(id, { actualCachedTokens: usage.cachedTokens });
    if (promptTokens !== null && promptTokens !== usage.promptTokens) {
      options.metrics.count('prompt_token_mismatches_total', { pool });
    }
    if (predicted === null || usage.cachedTokens === null) return;
    const errorTokens = predicted - usage.cachedTokens;
    const outcome = errorTokens === 0 ? 'exact' : errorTokens > 0 ? 'over' : 'under';
    options.metrics.count('predictions_total', { pool, reason, outcome });
    if (errorTokens !== 0) {
      options.metrics.count('prediction_error_tokens_total', { pool, outcome }, Math.abs(errorTokens));
    }
  },
});
