/** Limits how many replays run at once in the process. First come, first served. */
export interface ReplayGate {
  /**
   * Calls `onGranted` as soon as a slot is free, at once where one is. The returned function gives the slot back, or the
   * place in the queue; calling it again does nothing.
   */
  request(onGranted: () => void): () => void;
}

/** Creates a gate of `limit` slots. Engines answer replays from the thread that publishes, so a few at a time suffice. */
export const createReplayGate = (limit = 8): ReplayGate => {
  const waiting = new Set<() => void>();
  let taken = 0;

  const grantNext = (): void => {
    for (const grant of waiting) {
      if (taken >= limit) return;
      waiting.delete(grant);
      grant();
    }
  };

  return {
    request: (onGranted) => {
      let state: 'waiting' | 'granted' | 'done' = 'waiting';
      const grant = (): void => {
        state = 'granted';
        taken += 1;
        onGranted();
      };
      waiting.add(grant);
      grantNext();
      return () => {
        waiting.delete(grant);
        if (state === 'granted') taken -= 1;
        state = 'done';
        grantNext();
      };
    },
  };
};
