/** Listeners of one kind of notice, told in order of joining. One that throws is a bug and is not caught. */
export interface Notices<Arguments extends readonly unknown[]> {
  /** Returns how to leave again. A listener may join or leave while notices are given. */
  join(listener: (...details: Arguments) => void): () => void;
  tell(...details: Arguments): void;
}

/** Creates a list of listeners, empty. */
export const createNotices = <Arguments extends readonly unknown[]>(): Notices<Arguments> => {
  const listeners = new Set<(...details: Arguments) => void>();
  return {
    join: (listener) => {
      // A wrapper of its own, so that one function may join twice.
      const own = (...details: Arguments): void => listener(...details);
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
    tell: (...details) => {
      for (const listener of [...listeners]) listener(...details);
    },
  };
};
