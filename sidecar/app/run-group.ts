import { type Clock, type Logger, SidecarError } from '../core/index.ts';

/** One thing to end at shutdown. */
export interface Stoppable {
  readonly name: string;
  stop(deadlineMs: number): Promise<unknown>;
}

/** What a part may take beyond its deadline, for cutting off what is left. */
const GRACE_MS = 1000;

/**
 * Ends things one after the other, in the order given; each is told what is left of one deadline. One that fails, or has
 * not ended a second after the deadline, is named in the log and does not keep the rest from ending. Never rejects, and
 * takes at most the deadline and a second a part.
 */
export const stopAll = async (
  parts: readonly Stoppable[],
  options: { readonly deadlineMs: number; readonly clock: Clock; readonly logger: Logger },
): Promise<void> => {
  const { clock, logger, deadlineMs } = options;
  const endMs = clock.now() + deadlineMs;
  for (const { name, stop } of parts) {
    const leftMs = Math.max(0, endMs - clock.now());
    const overrun = Promise.withResolvers<'overrun'>();
    const cancel = clock.schedule(leftMs + GRACE_MS, () => overrun.resolve('overrun'));
    try {
      const outcome = await Promise.race([stop(leftMs), overrun.promise]);
      if (outcome === 'overrun') logger.error('a part did not end in time and is left behind', { part: name });
    } catch (failure) {
      const { code } = SidecarError.from(failure, 'internal');
      logger.error('a part did not end in good order', { part: name, code });
    } finally {
      cancel();
    }
  }
};
