import { type Clock, type Logger, SidecarError } from '../../core/index.ts';
import { writeFileWhole } from './dump-file.ts';
import type { DumpWriter } from './dump-writer.ts';

/** Keeps a file of what is known of endpoints up to date. */
export interface DumpKeeper {
  /** Begins to write now and then. */
  start(): void;
  /** Writes a last time, if it was started; resolves when nothing is written any more. Never rejects. */
  stop(): Promise<void>;
}

/** Creates a keeper of `file`, null for none. A file is left as it is where nothing is known. */
export const createDumpKeeper = (options: {
  readonly file: string | null;
  readonly intervalMs: number;
  readonly writer: DumpWriter;
  readonly clock: Clock;
  readonly logger: Logger;
}): DumpKeeper => {
  const { file, intervalMs, writer, clock } = options;
  const logger = options.logger.child({ room: 'warm-start' });
  let cancel: (() => void) | null = null;
  let underWay: Promise<void> = Promise.resolve();
  let isFailing = false;
  let isStopped = false;

  const write = async (path: string): Promise<void> => {
    if (!writer.hasContent()) return;
    const startMs = clock.now();
    try {
      const chunks = writer.dump({ endpoints: null, headOnly: false });
      const bytes = await writeFileWhole(path, chunks);
      logger.debug('wrote dump', { path, bytes, tookMs: Math.round(clock.now() - startMs) });
      isFailing = false;
    } catch (failure) {
      const reason = SidecarError.from(failure, 'unavailable').message;
      if (!isFailing) logger.warn('dump cannot be written', { path, reason });
      isFailing = true;
    }
  };

  const arm = (path: string): void => {
    cancel = clock.schedule(intervalMs, () => {
      underWay = write(path);
      void underWay.then(() => {
        if (cancel !== null) arm(path);
      });
    });
  };

  return {
    start: () => {
      if (file !== null && !isStopped) arm(file);
    },
    stop: async () => {
      isStopped = true;
      if (cancel === null || file === null) return;
      cancel();
      cancel = null;
      await underWay;
      await write(file);
    },
  };
};
