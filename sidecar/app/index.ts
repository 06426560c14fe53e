/**
 * app: the composition root: builds every room from a configuration, starts them in order, drains them in order.
 * Written to by nobody.
 * Read by `cli` and integration tests.
 * Promises that nothing is opened before `start` and that everything is closed after `stop`.
 * Traces that `replay` reads are in Mooncake's format (github.com/kvcache-ai/Mooncake); else no format of its own.
 */
export { type App, type AppOverrides, buildApp, type Listening, promptDefaultsOf } from './build-app.ts';
export {
  type ComparedPolicy,
  comparedLoad,
  comparedPolicies,
  measurePolicy,
  type PolicyFigures,
  startEngines,
} from './comparison.ts';
export { createDiscoveries, type NamedDiscovery } from './discoveries.ts';
export type { ReplayFigures } from './replay/figures.ts';
export { parsePolicy } from './replay/policies.ts';
export { replayTrace } from './replay/replay-trace.ts';
export { parseTrace } from './replay/trace.ts';
