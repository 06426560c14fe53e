import type { ServerResponse } from 'node:http';
import { errorTable, type Logger } from '../core/index.ts';
import type { Decision, RoutedDecision } from '../routing/index.ts';
import { sendError } from './error-response.ts';

/** Answers a request that got no endpoint: 503, or 429 with `retry-after` where admission refused it; logs it once. */
export const answerUnrouted = (
  response: ServerResponse,
  decision: Exclude<Decision, RoutedDecision>,
  logger: Logger,
): void => {
  const code = decision.kind === 'refused' ? 'saturated' : 'no-endpoint';
  logger[errorTable[code].level]('request refused', { code, pool: decision.pool, decision: decision.id });
  const retry = decision.kind === 'refused' ? { retryAfterSeconds: decision.retryAfterSeconds } : {};
  sendError(response, { code, decision: decision.id, ...retry });
};
