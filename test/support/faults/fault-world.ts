import { delay, seededRandom, systemClock } from '../../../sidecar/core/index.ts';
import { createChatTraffic, sendChat } from '../app-chat.ts';
import { type RunningEngine, runEngine } from '../running-app.ts';
import { createFaultLoad, type FaultLoad } from './fault-load.ts';
import { FaultWatch } from './fault-watch.ts';
import type { RunSize } from './run-size.ts';
import type { FaultControl, FaultScenario } from './scenario.ts';
import { blockSize, type SidecarLife, startSidecar } from './sidecar-life.ts';

/** Blocks an engine has: too few for the chats, so that something is evicted all the time. */
const engineBlocks = 220;
/** Wait after a turn for events while a fault is open. */
const restWithinFaultMs = 2;

/** A pool under constant load. */
export interface FaultWorld extends AsyncDisposable {
  readonly control: FaultControl;
  readonly load: FaultLoad;
  readonly engines: readonly RunningEngine[];
  readonly watches: readonly FaultWatch[];
  /** The sidecar of now; null while it is being restarted. */
  sidecar(): SidecarLife | null;
  /** Resolves when `condition` holds, looked at after each change; rejects after the run's patience, naming `what`. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Resolves when every engine's events so far are dealt with. */
  settled(): Promise<void>;
}

/** Sends an engine a few turns past the sidecar, as other clients might. */
const chatDirectly = async ({ at }: RunningEngine, seed: number): Promise<void> => {
  const traffic = createChatTraffic(seed);
  for (let turn = 0; turn < 4; turn += 1) await sendChat(`http://${at.address}`, traffic.next());
};

/** Starts engines and a sidecar in front of them; the load is not yet running. */
export const createFaultWorld = async (scenario: FaultScenario, size: RunSize): Promise<FaultWorld> => {
  await using stack = new AsyncDisposableStack();
  const random = seededRandom(7);
  const engines: RunningEngine[] = [];
  for (let engine = 0; engine < (scenario.engines ?? 2); engine += 1) {
    engines.push(stack.use(await runEngine({ blocks: engineBlocks, blockSize, seed: engine, ...scenario.engine })));
  }
  let sidecar: SidecarLife | null = null;
  let isStalled = false;
  let heldSequence: number | null = null;
  /** Whether chats go past the sidecar, so that an engine's pool may be ahead of its events. */
  let isBusyElsewhere = false;
  stack.defer(async () => sidecar?.[Symbol.asyncDispose]());
  let watchers: readonly (() => void)[] = [];

  const engineAt = (engine: number): RunningEngine => {
    const running = engines[engine];
    if (running === undefined) throw new Error(`there is no engine ${engine}`);
    return running;
  };
  const watches = engines.map(
    ({ engine }, position) =>
      new FaultWatch({
        status: () => sidecar?.status(position) ?? null,
        lastSequence: () => engine.lastSequence(),
        differences: () => sidecar?.differences(position) ?? ['no sidecar'],
        now: () => performance.now(),
      }),
  );
  const tellWatchers = (): void => {
    for (const watcher of watchers) watcher();
  };
  const look = (): void => {
    for (const watch of watches) watch.look();
    tellWatchers();
  };
  const start = () => startSidecar(engines, { timing: { ...size.timing, ...scenario.timing }, onStreams: look });

  const until: FaultWorld['until'] = (condition, what) =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        watchers = watchers.filter((other) => other !== watcher);
        cancel();
      };
      const watcher = (): void => {
        if (!condition()) return;
        leave();
        resolve();
      };
      const cancel = systemClock.schedule(size.patienceMs, () => {
        leave();
        const states = engines
          .map((_, engine) => sidecar?.status(engine))
          .map((status) => ({ ...status, transitions: 0 }));
        reject(new Error(`${scenario.id}: in vain: ${what}; streams: ${JSON.stringify(states.slice(0, 4))}`));
      });
      watchers = [...watchers, watcher];
      watcher();
    });

  const settled = async (): Promise<void> => {
    const all = engines.map(async ({ engine }, position) => {
      const sequence = engine.lastSequence();
      if (sequence !== null) await sidecar?.applied(position, sequence);
    });
    await Promise.all(all);
  };

  /** Batches that a stall holds back are struck one by one. */
  const noteHeld = (): void => {
    const published = engineAt(0).engine.lastSequence();
    if (!isStalled || published === heldSequence || published === sidecar?.status(0)?.lastSequence) return;
    heldSequence = published;
    watches[0]?.struck();
  };
  const isCaughtUp = (): boolean =>
    sidecar === null ||
    engines.every(({ engine }, position) => sidecar?.status(position)?.lastSequence === engine.lastSequence());
  const isFaultOpen = (): boolean => watches.some(({ isOpen }) => isOpen);
  const load = createFaultLoad({
    target: () => sidecar?.proxy ?? `http://${engineAt(0).at.address}`,
    turnMs: size.turnMs,
    isFaultOpen,
    seed: 11,
    onRest: async () => {
      noteHeld();
      if (isFaultOpen()) await delay(systemClock, restWithinFaultMs);
      else await until(() => isFaultOpen() || isCaughtUp(), 'the events of a turn are applied');
      if (!isBusyElsewhere) for (const watch of watches) watch.compare();
      tellWatchers();
    },
  });

  const struck = (engine = 0): void => {
    watches[engine]?.struck();
    tellWatchers();
  };
  const setFaults: FaultControl['setFaults'] = (faults, engine = 0) => engineAt(engine).engine.setFaults(faults);
  const selectorFor = (which: { readonly share: number } | { readonly batches: number }, engine: number) => {
    let left = 'batches' in which ? which.batches : Number.POSITIVE_INFINITY;
    return (): boolean => {
      if (left <= 0 || ('share' in which && random() >= which.share)) return false;
      left -= 1;
      struck(engine);
      return true;
    };
  };

  /** An engine that has published nothing since its start cannot be told from one whose events are lost. */
  const workElsewhere = async (): Promise<void> => {
    isBusyElsewhere = true;
    await chatDirectly(engineAt(0), 13);
    isBusyElsewhere = false;
  };

  const control: FaultControl = {
    setFaults,
    strikeBatches: async (kind, which) => {
      const targets = 'share' in which ? engines : engines.slice(0, 1);
      await Promise.all(targets.map((_, engine) => setFaults({ [kind]: selectorFor(which, engine) }, engine)));
    },
    stall: () => {
      isStalled = true;
      return setFaults({ isStalled });
    },
    mend: async () => {
      isStalled = false;
      const mended = { drop: 0, duplicate: 0, reorder: 0, isStalled, replay: 'serving' } as const;
      await Promise.all(engines.map((_, engine) => setFaults(mended, engine)));
    },
    restartEngine: async (hashes) => {
      struck();
      await engineAt(0).engine.restart({ hashes });
      await workElsewhere();
    },
    workElsewhere,
    killEngine: () => {
      struck();
      return engineAt(0).engine.kill();
    },
    startEngine: async () => {
      await engineAt(0).engine.start();
      await workElsewhere();
    },
    restartSidecar: async () => {
      const old = sidecar;
      sidecar = null;
      // The turn that is under way still goes through the old one.
      await load.turns(1);
      for (const position of watches.keys()) struck(position);
      await old?.[Symbol.asyncDispose]();
      for (const watch of watches) watch.restartCounts();
      sidecar = await start();
      look();
    },
    resetCache: async () => {
      struck();
      await fetch(`http://${engineAt(0).at.address}/reset_prefix_cache`, { method: 'POST' });
    },
    lasting: ({ turns, ms }) => (size.lasts === 'turns' ? load.turns(turns) : delay(systemClock, ms)),
    until: (condition) =>
      until(() => {
        const status = sidecar?.status(0) ?? null;
        return status !== null && condition(status);
      }, String(condition)),
  };

  if (engines.length > 2) await Promise.all(engines.map((engine, seed) => chatDirectly(engine, 100 + seed)));
  sidecar = await start();
  await sidecar.app.ready();
  const resources = stack.move();
  return {
    control,
    load,
    engines,
    watches,
    sidecar: () => sidecar,
    until,
    settled,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
};
