import { type Clock, SidecarError } from '../../core/index.ts';

/**
 * Runs `work` under a signal that is aborted by `signal` or after `timeoutMs`, whichever is first. Rejects with
 * `unavailable` after the time, so that a server which accepts connections and says nothing cannot hold anybody up.
 */
export const withDeadline = async <Value>(
  work: (signal: AbortSignal) => Promise<Value>,
  options: { readonly clock: Clock; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Value> => {
  const { clock, timeoutMs, signal } = options;
  signal.throwIfAborted();
  const limited = new AbortController();
  const onAbort = (): void => limited.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const cancel = clock.schedule(timeoutMs, () =>
    limited.abort(new SidecarError('unavailable', `the API server said nothing for ${timeoutMs} ms`)),
  );
  try {
    return await work(limited.signal);
  } catch (failure) {
    throw limited.signal.aborted ? limited.signal.reason : failure;
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
};
