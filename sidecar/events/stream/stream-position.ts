import type { WindowMarks } from './sequence-window.ts';

/** What is missing from a part of the index, as counts since the cache was last known to be empty. */
export interface LossCounts {
  readonly appliedBatches: number;
  readonly lostBatches: number;
  readonly storedBlocks: number;
  readonly orphanedBlocks: number;
}

/**
 * Where a stream stands, so that another process can go on from there with the same content: the last batch dealt with,
 * what the engine's process is known by, and what is missing. JSON-safe.
 */
export interface StreamPosition extends WindowMarks, LossCounts {}

/** Content that another process, or an earlier one, had of the same endpoint. */
export interface WarmState {
  readonly position: StreamPosition;
  /** Unix seconds at which the engine's process that answers now started, null where it does not tell. */
  readonly startedAtSeconds: number | null;
  /** The same as it was told where the content comes from. */
  readonly toldStartSeconds: number | null;
  /** Fills the endpoint's empty part of the index in steps; throws where it cannot. */
  readonly load: () => Generator<void, void, void>;
}

/**
 * What became of a warm state. `not-needed`: nothing is missing. `not-better`: more is missing from it than here. `busy`: not
 * connected, or a replay runs. `restarted`: it is of another process of the engine. `unproven`: whether it is of the same
 * process cannot be told. `behind`: what came after it is gone and there is no replay. `interrupted`: the connection, the
 * engine or its cache went while it was loaded. Only after `adopted` anything of it is in the index.
 */
export type AdoptionOutcome =
  | 'adopted'
  | 'not-needed'
  | 'not-better'
  | 'busy'
  | 'restarted'
  | 'unproven'
  | 'behind'
  | 'interrupted';
