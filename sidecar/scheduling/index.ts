/**
 * scheduling: pure choice over candidates: filters, weighted scorers, one picker, as data.
 * Written to by nobody; pickers alone keep a position of their own.
 * Read by `routing`; `config` reads profiles with `parseProfile`.
 * Scores lie in [0, 1]; the outcome depends only on the arguments, the random source and the picker's position.
 * Plugin names follow the Gateway API Inference Extension's EndpointPickerConfig.
 */
export { parseProfile } from './parse-profile.ts';
export { preview, schedule } from './schedule.ts';
export { uncachedTokensOf } from './scorers/token-cost.ts';
export type {
  Candidate,
  Picker,
  Profile,
  Schedule,
  SchedulingRequest,
  ScoredCandidates,
} from './types.ts';
