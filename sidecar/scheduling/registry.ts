import { createRoleFilter } from './filters/role.ts';
import type { ParameterReader } from './parameters.ts';
import { createMaxScorePicker } from './pickers/max-score.ts';
import { createRandomPicker } from './pickers/random.ts';
import { createRoundRobinPicker } from './pickers/round-robin.ts';
import { createActiveRequestScorer } from './scorers/active-request.ts';
import { createKvCacheUtilizationScorer } from './scorers/kv-cache-utilization.ts';
import { createPrecisePrefixCacheScorer } from './scorers/precise-prefix-cache.ts';
import { createPrefixCacheScorer } from './scorers/prefix-cache.ts';
import { createQueueScorer } from './scorers/queue.ts';
import { createSessionAffinityScorer } from './scorers/session-affinity.ts';
import { createTokenCostScorer } from './scorers/token-cost.ts';
import type { Filter, Picker, Scorer } from './types.ts';

/** Makes one plugin, reading its parameters. */
export type PluginFactory<Plugin> = (parameters: ParameterReader) => Plugin;

/** Every filter by type. */
export const filterFactories: Readonly<Record<string, PluginFactory<Filter>>> = {
  'role-filter': createRoleFilter,
};

/** Every scorer by type. */
export const scorerFactories: Readonly<Record<string, PluginFactory<Scorer>>> = {
  'token-cost-scorer': createTokenCostScorer,
  'queue-scorer': createQueueScorer,
  'kv-cache-utilization-scorer': createKvCacheUtilizationScorer,
  'prefix-cache-scorer': createPrefixCacheScorer,
  'precise-prefix-cache-scorer': createPrecisePrefixCacheScorer,
  'active-request-scorer': createActiveRequestScorer,
  'session-affinity-scorer': createSessionAffinityScorer,
};

/** Every picker by type. */
export const pickerFactories: Readonly<Record<string, PluginFactory<Picker>>> = {
  'max-score-picker': createMaxScorePicker,
  'random-picker': createRandomPicker,
  'round-robin-picker': createRoundRobinPicker,
};
