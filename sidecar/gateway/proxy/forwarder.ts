import type { Clock } from '../../core/index.ts';
import type { Forwarder } from './attempt.ts';
import { createDirectForwarder } from './direct-forwarder.ts';
import { createLibraryForwarder } from './library-forwarder.ts';

/**
 * Forwards requests that carry a body, which are those for completions, over node:http itself, and everything else with
 * http-proxy-middleware.
 */
export const createForwarder = (options: { readonly connectTimeoutMs: number; readonly clock: Clock }): Forwarder => {
  const direct = createDirectForwarder(options);
  const library = createLibraryForwarder(options);
  return {
    forward: (attempt) => (attempt.body === null ? library : direct).forward(attempt),
    close: () => {
      direct.close();
      library.close();
    },
  };
};
