import type { StreamStatus, StreamTiming } from '../../../sidecar/events/index.ts';
import type { EngineFaults, EngineOptions } from '../../../sidecar/simulator/index.ts';

/** What a scenario may do to a running pool while chats go on. */
export interface FaultControl {
  setFaults(faults: Partial<EngineFaults>, engine?: number): Promise<void>;
  /** Holds the first engine's events back from here on. */
  stall(): Promise<void>;
  /**
   * Strikes a share of the batches to come (0 to 1) of every engine, or a run of `batches` in a row of the first, and
   * marks each.
   */
  strikeBatches(
    kind: 'drop' | 'duplicate' | 'reorder',
    which: { readonly share: number } | { readonly batches: number },
  ): Promise<void>;
  /** Ends every fault of every engine. */
  mend(): Promise<void>;
  /** Kills the first engine and starts it again at the same addresses, where other clients send it a chat. */
  restartEngine(hashes: 'same' | 'fresh'): Promise<void>;
  /** Other clients send the first engine a chat, past the sidecar. */
  workElsewhere(): Promise<void>;
  killEngine(): Promise<void>;
  /** Starts it again, as `restartEngine` does. */
  startEngine(): Promise<void>;
  /** Sends chats to the engines themselves, stops the sidecar and starts another in its place. */
  restartSidecar(): Promise<void>;
  /** Empties the first engine's cache behind the sidecar's back. */
  resetCache(): Promise<void>;
  /** Lets chats go on: for `turns` turns in the small form, for `ms` of real time in the full one. */
  lasting(time: { readonly turns: number; readonly ms: number }): Promise<void>;
  /** Resolves when the first engine's stream is as described; rejects after the run's patience. */
  until(condition: (status: StreamStatus) => boolean): Promise<void>;
}

/** One fault: what is set up, what strikes, and what must be the case in the end. */
export interface FaultScenario {
  /** Unique, kebab-case. */
  readonly id: string;
  /** For people; a cell of the table in docs/RELIABILITY.md. */
  readonly fault: string;
  /** Default 2. */
  readonly engines?: number;
  readonly engine?: Partial<EngineOptions>;
  /** Waits that must not be short in the small form either. */
  readonly timing?: Partial<StreamTiming>;
  /**
   * `exact`: the index equals every engine's own block pool, and no further prediction is wrong. `degraded`: history is gone
   * for good, and the first engine's trust says so.
   */
  readonly settles: 'exact' | 'degraded';
  /** Breaks something while chats go on, and mends what can be mended. */
  readonly strike: (control: FaultControl) => Promise<void>;
}
