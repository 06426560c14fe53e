import type { DecisionId } from '../core/index.ts';
import type { DecisionRecord } from './types.ts';

/** A decision to be remembered. */
interface LoggedDecision {
  readonly id: DecisionId;
  record(): DecisionRecord;
}

/** The last decisions, newest first, for `explain` and the admin API. Bounded; the oldest is forgotten first. */
export interface DecisionLog {
  /** Remembers a decision; its record is asked for when it is read. */
  add(decision: LoggedDecision): void;
  /** Replaces fields of a record that is still remembered; does nothing for one that is not. */
  amend(id: DecisionId, change: Partial<DecisionRecord>): void;
  get(id: string): DecisionRecord | undefined;
  /** At most `limit` records, newest first. */
  recent(limit: number): readonly DecisionRecord[];
}

interface Entry {
  readonly decision: LoggedDecision;
  change: Partial<DecisionRecord> | null;
}

const read = ({ decision, change }: Entry): DecisionRecord => ({ ...decision.record(), ...change });

/** Keeps `capacity` records; 0 keeps none. Every operation but `recent` is O(1). */
export const createDecisionLog = (capacity: number): DecisionLog => {
  // A Map iterates in order of insertion.
  const entries = new Map<string, Entry>();
  return {
    add: (decision) => {
      entries.set(decision.id, { decision, change: null });
      if (entries.size > capacity) {
        const oldest = entries.keys().next();
        if (!oldest.done) entries.delete(oldest.value);
      }
    },
    amend: (id, change) => {
      const entry = entries.get(id);
      if (entry !== undefined) entry.change = { ...entry.change, ...change };
    },
    get: (id) => {
      const entry = entries.get(id);
      return entry === undefined ? undefined : read(entry);
    },
    recent: (limit) => (limit <= 0 ? [] : [...entries.values()].slice(-limit).reverse().map(read)),
  };
};
