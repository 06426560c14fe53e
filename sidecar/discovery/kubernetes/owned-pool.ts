import { poolName } from '../../core/index.ts';
import type { Finding } from '../finding.ts';
import type { DiscoveredEndpoint, PoolDefinition } from '../port.ts';
import type { PoolAnnotations } from './annotations.ts';
import type { ObjectMeta } from './objects.ts';

/** The object that makes a pool, and that its mistakes are reported on. */
export interface PoolOwner {
  readonly kind: 'Service' | 'InferencePool';
  readonly apiVersion: string;
  readonly meta: ObjectMeta;
}

/** What one annotated object makes. */
export interface OwnedPool {
  readonly owner: PoolOwner;
  readonly definition: PoolDefinition;
  readonly endpoints: readonly DiscoveredEndpoint[];
  readonly mistakes: readonly string[];
  /** Why no endpoint takes requests, null where one does. */
  readonly finding: Finding | null;
}

/** An owner as people know it: `Service llm/qwen`. */
export const ownerText = ({ kind, meta }: PoolOwner): string => `${kind} ${meta.namespace}/${meta.name}`;

/** The pool that annotations define. */
export const definitionOf = (annotations: PoolAnnotations): PoolDefinition => ({
  name: poolName(annotations.pool),
  models: annotations.models,
  engine: annotations.engine,
  tokenizer: annotations.tokenizer,
  eventsBind: null,
});
