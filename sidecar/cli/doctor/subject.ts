import type { Endpoint } from '../../core/index.ts';

/** One endpoint to look at, from a configuration file or a running sidecar. */
export interface Patient {
  readonly endpoint: Endpoint;
  /** Models the pool is configured for; null: what the engines report. */
  readonly models: readonly string[] | null;
  /** Whether engines dial the sidecar, so that nobody else can listen. */
  readonly dialsIn: boolean;
}

/** What the HTTP checks found out, for those that follow. */
export interface EngineFacts {
  /** First model served, null where the engine did not say. */
  readonly model: string | null;
  readonly blockSize: number | null;
}
