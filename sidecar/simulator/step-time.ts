import type { ScheduledTokens } from './scheduler.ts';

/** How long the modelled hardware takes. Defaults resemble a 7B model on one data-centre GPU. */
export interface StepTimes {
  /** Prompt tokens computed in a second; all requests of a step share it. Default 8000. */
  readonly prefillTokensPerSecond: number;
  /** Milliseconds every step takes, however little it does. Default 8. */
  readonly stepBaseMs: number;
  /** Milliseconds a step grows by for each request that decodes in it. Default 0.1. */
  readonly stepMsPerDecode: number;
}

/** Step times where an engine's options name none. */
export const defaultStepTimes: StepTimes = { prefillTokensPerSecond: 8000, stepBaseMs: 8, stepMsPerDecode: 0.1 };

/** Milliseconds one step takes. A request with a single token in the step decodes; more tokens are prefill. */
export const stepDurationMs = (planned: readonly ScheduledTokens[], times: StepTimes): number => {
  let prefillTokens = 0;
  let decodes = 0;
  for (const { tokens } of planned) {
    if (tokens === 1) decodes++;
    else prefillTokens += tokens;
  }
  return times.stepBaseMs + (prefillTokens * 1000) / times.prefillTokensPerSecond + decodes * times.stepMsPerDecode;
};
