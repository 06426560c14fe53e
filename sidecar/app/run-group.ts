import { type Clock, type Logger, SidecarError } from '../core/index.ts';

/** One thing to end at shutdown. */
export interface Stoppable {
  readonly name: string;
  stop(deadlineMs: number): Promise<unknown>;
}

/**
 * Ends things one after the other, in the order given; each is told what is left of one deadline. One that fails is named
 * in the log and does not keep the rest from ending.
 */
export const stopAll = async (
  parts: readonly Stoppable[],
  options: { readonly deadlineMs: number; readonly clock: Clock; readonly logger: Logger },
): Promise<void> => {
  const { clock, logger, deadlineMs } = options;
  const endMs = clock.now() + deadlineMs;
  for (const { name, stop } of parts) {
    const leftMs = Math.max(0, endMs - clock.now());
    try {
      await stop(leftMs);
    } catch (failure) {
      const { code } = SidecarError.from(failure, 'internal');
      logger.error('a part did not end in good order', { part: name, code });
    }
  }
};
