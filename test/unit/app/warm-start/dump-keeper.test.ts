import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createDumpKeeper } from '../../../../sidecar/app/warm-start/dump-keeper.ts';
import type { DumpWriter } from '../../../../sidecar/app/warm-start/dump-writer.ts';
import { SidecarError } from '../../../../sidecar/core/index.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { createRecordingLogger } from '../../../support/stream-harness.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/** Writes how often it was asked. */
const countingWriter = (): DumpWriter & { written: number; hasSome: boolean; failure: SidecarError | null } => {
  const writer = {
    written: 0,
    hasSome: true,
    failure: null as SidecarError | null,
    hasContent: () => writer.hasSome,
    async *dump() {
      yield Buffer.from('dump ');
      if (writer.failure !== null) throw writer.failure;
      writer.written += 1;
      yield Buffer.from(String(writer.written));
    },
  };
  return writer;
};

const keeperOf = (file: string | null) => {
  const clock = createFakeClock();
  const logger = createRecordingLogger();
  const writer = countingWriter();
  return {
    writer,
    clock,
    logger,
    keeper: createDumpKeeper({ file, intervalMs: 1000, writer, clock, logger }),
  };
};

describe('the keeper of a dump', () => {
  it('writes a last time at the end, whole', async () => {
    const before = 'what was there before, which is longer';
    await using folder = await temporaryFolder({ warm: before, 'warm.part': before });
    const file = join(folder.path, 'warm');
    const { keeper } = keeperOf(file);
    keeper.start();
    await keeper.stop();
    expect(await readFile(file, 'utf8')).toBe('dump 1');
    expect(await readdir(folder.path)).toEqual(['warm']);
  });

  it('waits at the end for what is being written', async () => {
    await using folder = await temporaryFolder({});
    const { keeper, clock } = keeperOf(join(folder.path, 'warm'));
    keeper.start();
    await clock.advance(1000);
    await keeper.stop();
    expect(await readFile(join(folder.path, 'warm'), 'utf8')).toBe('dump 2');
  });

  it('leaves the file alone before it is started, where nothing is known, and after a failure', async () => {
    await using folder = await temporaryFolder({ warm: 'before' });
    const file = join(folder.path, 'warm');
    const { keeper } = keeperOf(file);
    await keeper.stop();
    keeper.start();
    await keeper.stop();
    const empty = keeperOf(file);
    empty.writer.hasSome = false;
    empty.keeper.start();
    await empty.keeper.stop();
    const failing = keeperOf(file);
    failing.writer.failure = new SidecarError('unavailable', 'cleared');
    failing.keeper.start();
    await failing.keeper.stop();
    expect(await readFile(file, 'utf8')).toBe('before');
    expect(await readdir(folder.path)).toEqual(['warm']);
    expect(failing.logger.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'warn: dump cannot be written',
    ]);
  });

  it('says once that the file cannot be written', async () => {
    await using folder = await temporaryFolder({});
    const path = join(folder.path, 'no', 'such');
    const { keeper, logger, clock } = keeperOf(path);
    keeper.start();
    await clock.advance(1000);
    await mkdir(join(folder.path, 'other'));
    await keeper.stop();
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('does nothing without a file', async () => {
    const { keeper, writer } = keeperOf(null);
    keeper.start();
    await keeper.stop();
    expect(writer.written).toBe(0);
  });
});
