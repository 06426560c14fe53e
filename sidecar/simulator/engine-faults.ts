/** Which event batches a fault strikes: a share of them, 0 to 1, drawn with the engine's seed, or chosen by number. */
export type BatchSelector = number | ((sequence: number) => boolean);

/**
 * What the replay socket does with a request. `silent`: nothing; `garbage`: a frame too short to be a sequence, then
 * payloads that are no MessagePack; `truncated`: half of what was asked for and no end marker; `absent`: the port is closed.
 */
export type ReplayBehaviour = 'serving' | 'silent' | 'garbage' | 'truncated' | 'absent';

/** Ways in which an engine misbehaves on demand. Batches keep their numbers and stay in the replay buffer. */
export interface EngineFaults {
  /** Batches that are never sent live. */
  readonly drop: BatchSelector;
  /** Batches sent twice in a row. */
  readonly duplicate: BatchSelector;
  /** Batches sent after the one that follows them. */
  readonly reorder: BatchSelector;
  /** Batches that `delayMs` pass before; those behind them wait too. */
  readonly delay: BatchSelector;
  readonly delayMs: number;
  /** While true nothing is sent; what was held back goes out, in order, when it ends. */
  readonly isStalled: boolean;
  readonly replay: ReplayBehaviour;
  /** While true new HTTP connections are refused and idle ones closed. */
  readonly refusesConnections: boolean;
}

/** An engine that behaves. */
export const noFaults: EngineFaults = {
  drop: 0,
  duplicate: 0,
  reorder: 0,
  delay: 0,
  delayMs: 0,
  isStalled: false,
  replay: 'serving',
  refusesConnections: false,
};
