/** A listener that translates one protocol to and from routing. Created without I/O. */
export interface Gateway extends AsyncDisposable {
  /**
   * Begins listening and resolves with the bound `host:port` (a `listen` port of 0 takes a free one). Rejects with
   * `listen-failed`. Once `signal` is aborted the gateway stops at once.
   */
  start(signal: AbortSignal): Promise<{ readonly address: string }>;
  /**
   * Stops accepting, answers requests on open connections with `shutting-down`, and resolves when those in flight are
   * done, or after `deadlineMs`, when what is left is broken. Disposing stops with a deadline of 0.
   */
  stop(deadlineMs: number): Promise<void>;
}
