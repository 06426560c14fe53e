/**
 * core: the vocabulary every room shares: ids, Endpoint, errors and their table, Clock, Logger and Metrics ports.
 * Written to by nobody: values only, no state.
 * Read by every room; imports nothing of ours.
 * Promises no I/O and no order.
 * Terms follow vLLM (blocks, medium, sequence) and the Gateway API Inference Extension (endpoint, pool, drop reason).
 */
export {
  type DecisionId,
  decisionId,
  type EndpointId,
  endpointId,
  type ModelName,
  modelName,
  type PoolName,
  poolName,
  type SequenceNumber,
  sequenceNumber,
} from './brands.ts';
export { type Clock, delay, systemClock } from './clock.ts';
export type { Endpoint, EndpointRole, EngineKind, Medium, Trust } from './endpoint.ts';
export { type ErrorCode, type ErrorDetails, type ErrorMeaning, errorTable, SidecarError } from './errors.ts';
export { type LogFields, type Logger, silentLogger } from './logger.ts';
export { type MetricLabels, type Metrics, silentMetrics } from './metrics.ts';
export { backoffMs, type Random, seededRandom } from './random.ts';
