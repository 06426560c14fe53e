import type { DecisionId } from '../core/index.ts';
import type { DecisionRecord } from './types.ts';

/** The last decisions, newest first, for `explain` and the admin API. Bounded; the oldest is forgotten first. */
export interface DecisionLog {
  add(record: DecisionRecord): void;
  /** Replaces a record that is still remembered; does nothing for one that is not. */
  amend(id: DecisionId, change: Partial<DecisionRecord>): void;
  get(id: string): DecisionRecord | undefined;
  /** At most `limit` records, newest first. */
  recent(limit: number): readonly DecisionRecord[];
}

/** Keeps `capacity` records; 0 keeps none. Every operation but `recent` is O(1). */
export const createDecisionLog = (capacity: number): DecisionLog => {
  // A Map iterates in order of insertion, and setting a present key keeps its place.
  const records = new Map<string, DecisionRecord>();
  return {
    add: (record) => {
      records.set(record.id, record);
      if (records.size > capacity) {
        const oldest = records.keys().next();
        if (!oldest.done) records.delete(oldest.value);
      }
    },
    amend: (id, change) => {
      const record = records.get(id);
      if (record !== undefined) records.set(id, { ...record, ...change });
    },
    get: (id) => records.get(id),
    recent: (limit) => (limit <= 0 ? [] : [...records.values()].slice(-limit).reverse()),
  };
};
