/**
 * scheduling: pure choice over candidates: filters, weighted scorers, one picker, as data.
 * Written to by nobody; pickers alone keep a position of their own.
 * Read by `routing`.
 * Scores lie in [0, 1]; the outcome depends only on the arguments and the random source.
 * Plugin names follow the Gateway API Inference Extension's EndpointPickerConfig.
 */
export type {
  Candidate,
  CandidateEvaluation,
  Filter,
  Picker,
  Profile,
  Schedule,
  SchedulingRequest,
  ScoredCandidate,
  Scorer,
} from './types.ts';
