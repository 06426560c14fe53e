/** Nominal types for ids that are structurally plain strings or numbers. Each has one constructor, which validates. */

import { SidecarError } from './errors.ts';

declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Stable identity of one endpoint within the process: `pool/name`, with `#rank` appended where ranks exist. */
export type EndpointId = Brand<string, 'EndpointId'>;
/** Name of a pool as configured or annotated. */
export type PoolName = Brand<string, 'PoolName'>;
/** Model name as it appears in a request's `model`. */
export type ModelName = Brand<string, 'ModelName'>;
/** Id of a routing decision, the value of `x-warmroute-decision`. */
export type DecisionId = Brand<string, 'DecisionId'>;
/** Number of an event batch within one stream, counted by the engine; an integer in [0, 2^53). */
export type SequenceNumber = Brand<number, 'SequenceNumber'>;

const nonEmpty = (kind: string, value: string): string => {
  if (value.length === 0 || value.length > 1024) {
    throw new SidecarError('invalid-argument', `${kind} must have 1 to 1024 characters`);
  }
  return value;
};

export const endpointId = (value: string): EndpointId => nonEmpty('endpoint id', value) as EndpointId;
export const poolName = (value: string): PoolName => nonEmpty('pool name', value) as PoolName;
export const modelName = (value: string): ModelName => nonEmpty('model name', value) as ModelName;
export const decisionId = (value: string): DecisionId => nonEmpty('decision id', value) as DecisionId;

export const sequenceNumber = (value: number): SequenceNumber => {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new SidecarError('invalid-argument', 'sequence number must be an integer in [0, 2^53)');
  }
  return value as SequenceNumber;
};
