import type { PoolSnapshot } from '../pool/index.ts';
import type { PoolDirectory, RoutedPool } from './routed-pool.ts';

/** Where a request's model belongs. */
export interface PoolChoice {
  readonly pool: RoutedPool;
  /** LoRA adapter's name where the model is one, else null. */
  readonly loraName: string | null;
  /** False where no pool is known to serve the model and the request goes to a pool all the same. */
  readonly isModelKnown: boolean;
}

const serves = (snapshot: PoolSnapshot, model: string): 'base' | 'adapter' | 'no' => {
  for (const { models } of snapshot.endpoints) {
    const served = models?.find(({ id }) => id === model);
    if (served !== undefined) return served.parent === null ? 'base' : 'adapter';
  }
  return 'no';
};

/**
 * The pool for a model: one that is configured for it, else one whose endpoints report it, else the first (an engine
 * knows best how to refuse a model). Null only where there is no pool at all.
 */
export const choosePool = (directory: PoolDirectory, model: string | null): PoolChoice | null => {
  const pools = directory.pools();
  const [first] = pools;
  if (first === undefined) return null;
  if (model === null) return { pool: first, loraName: null, isModelKnown: true };
  for (const pool of pools) {
    const served = serves(pool.snapshot(), model);
    if (served === 'adapter') return { pool, loraName: model, isModelKnown: true };
    if (served === 'base' ? pool.models === null || pool.models.includes(model) : pool.models?.includes(model)) {
      return { pool, loraName: null, isModelKnown: true };
    }
  }
  return { pool: first, loraName: null, isModelKnown: false };
};
