import type { RoutedDecision } from '../routing/index.ts';
import { cachedTokensHeader, decisionHeader, promptTokensHeader, reasonHeader } from './owned-headers.ts';

/** Response headers that every HTTP edge gives for a routed request; token counts are absent where they are unknown. */
export const decisionHeaders = (decision: RoutedDecision): Readonly<Record<string, string>> => {
  const headers: Record<string, string> = { [decisionHeader]: decision.id, [reasonHeader]: decision.reason };
  if (decision.promptTokens !== null) headers[promptTokensHeader] = String(decision.promptTokens);
  if (decision.cachedTokens !== null) headers[cachedTokensHeader] = String(decision.cachedTokens);
  return headers;
};
