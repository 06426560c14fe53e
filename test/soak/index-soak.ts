import { defaultTiming } from '../../sidecar/events/index.ts';
import { createFaultLoad } from '../support/faults/fault-load.ts';
import { blockSize, startSidecar } from '../support/faults/sidecar-life.ts';
import { type RunningEngine, runEngine } from '../support/running-app.ts';
import { type MemorySample, megabytes, sampleMemory } from './memory.ts';
import { judgeMemory, type Soak, sampleEveryMs } from './soak.ts';

/** Few blocks, so that something is evicted with nearly every turn. */
const engineBlocks = 220;
const turnMs = 4;
const mebibyte = 2 ** 20;
/** Small enough for what the sidecar keeps in bounded places to be full well within the first third. */
const sidecarBounds = {
  index: { historyBlocks: 1024 },
  conversations: { maxMemoryBytes: 8 * mebibyte },
  decisions: { keep: 200 },
};

/** Blocks removed by events so far, by the sidecar's own count. */
const removalsOf = async (admin: string): Promise<number> => {
  const page = await (await fetch(`${admin}/metrics`)).text();
  const lines = page.matchAll(/^warmroute_events_applied_total\{[^}]*kind="block-removed"[^}]*\} (\d+)/gm);
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
};

/**
 * Chats without end through the whole sidecar to two engines that evict all the time. Holds where every prediction was right,
 * index and engines were equal at each look, something was evicted at all, and memory stays flat.
 */
export const indexSoak: Soak = {
  name: 'index',
  run: async ({ minutes, print }) => {
    await using stack = new AsyncDisposableStack();
    const engines: RunningEngine[] = [];
    for (const seed of [0, 1]) {
      engines.push(stack.use(await runEngine({ blocks: engineBlocks, blockSize, seed, replayBatches: 500 })));
    }
    const sidecar = stack.use(
      await startSidecar(engines, { timing: defaultTiming, onStreams: () => {}, config: sidecarBounds }),
    );
    await sidecar.app.ready();

    const samples: MemorySample[] = [];
    const startMs = performance.now();
    let nextLookMs = startMs;
    let turns = 0;
    let looks = 0;
    let differing = 0;
    const look = (): void => {
      looks += 1;
      samples.push(sampleMemory());
      const differences = engines.reduce((sum, _, engine) => sum + sidecar.differences(engine).length, 0);
      if (differences > 0) differing += 1;
      const { wrong } = load.figures.outside;
      const { usedBytes, residentBytes } = samples.at(-1) ?? sampleMemory();
      const minute = ((performance.now() - startMs) / 60_000).toFixed(1);
      print(
        `${minute} min: ${turns} turns, ${wrong} wrong, ${differences} blocks differ, ${megabytes(usedBytes)} MB in use, ${megabytes(residentBytes)} MB resident`,
      );
    };
    const load = createFaultLoad({
      target: () => sidecar.proxy,
      turnMs,
      isFaultOpen: () => false,
      seed: 21,
      onRest: async () => {
        turns += 1;
        for (const [position, { engine }] of engines.entries()) {
          const sequence = engine.lastSequence();
          if (sequence !== null) await sidecar.applied(position, sequence);
        }
        const nowMs = performance.now();
        if (nowMs < nextLookMs) return;
        nextLookMs = nowMs + sampleEveryMs(minutes);
        look();
        if (nowMs - startMs >= minutes * 60_000) load.stop();
      },
    });
    await load.run();
    look();
    const removals = await removalsOf(sidecar.admin);
    print(`${turns} turns, ${looks} looks, ${removals} removal events applied`);

    const { failedTurns, outside } = load.figures;
    return [
      ...(failedTurns === 0 ? [] : [`${failedTurns} turns failed`]),
      ...(outside.predictions === turns ? [] : [`only ${outside.predictions} of ${turns} turns were predicted`]),
      ...(outside.wrong === 0 ? [] : [`${outside.wrong} of ${outside.predictions} predictions were wrong`]),
      ...(differing === 0 ? [] : [`index and engines differed at ${differing} of ${looks} looks`]),
      ...(removals > turns / 4 ? [] : [`only ${removals} removals: nothing was put to the test`]),
      ...judgeMemory(samples, { usedBytes: 8 * mebibyte, residentBytes: 48 * mebibyte }, print),
    ];
  },
};
