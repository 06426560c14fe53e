/** Share of a prompt that is cached, in [0, 1]; 0 for an empty prompt. */
export const cachedShare = (cachedTokens: number, promptTokens: number): number =>
  promptTokens > 0 ? Math.min(1, Math.max(0, cachedTokens / promptTokens)) : 0;
