import type { Trust } from '../../../sidecar/core/index.ts';
import { createChatTraffic, sendChat } from '../app-chat.ts';
import { type LoadFigures, type PredictionCount, systemPrompts } from './fault-load.ts';
import { createFaultWorld, type FaultWorld } from './fault-world.ts';
import type { RunSize } from './run-size.ts';
import type { FaultScenario } from './scenario.ts';

/** Middle and largest of some times, in milliseconds. */
export interface Spread {
  readonly median: number;
  readonly max: number;
}

/** What one scenario came to. */
export interface FaultFigures extends LoadFigures {
  readonly scenario: FaultScenario;
  /** Times from a true index over a fault back to a true index. */
  readonly repairs: number;
  /** Null where nothing struck. */
  readonly noticeMs: Spread | null;
  /** Null where nothing was repaired. */
  readonly repairMs: Spread | null;
  /** Times at which a stream that knew of the fault claimed an index to be exact that was not. */
  readonly falseClaims: number;
  readonly settled: {
    /** Of the first engine. */
    readonly trust: Trust;
    /** Blocks that only one of an index and its engine has, of all engines. */
    readonly differences: number;
    /** Of turns sent after the repair. */
    readonly predictions: number;
    readonly wrong: number;
  };
}

const spreadOf = (values: readonly number[]): Spread | null => {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
};

/** Resolves when nothing is left to be repaired, as far as the scenario says. */
const awaitSettled = async (
  { engines, watches, sidecar, until }: FaultWorld,
  scenario: FaultScenario,
): Promise<void> => {
  const isTrue = (position: number): boolean => {
    const status = sidecar()?.status(position) ?? null;
    if (status === null || status.state !== 'live') return false;
    const isFollowed = status.lastSequence === (engines[position]?.engine.lastSequence() ?? null);
    if (scenario.settles === 'degraded' && position === 0) return isFollowed && status.trust === 'degraded';
    return isFollowed && status.trust === 'exact';
  };
  await until(() => engines.every((_, position) => isTrue(position)), 'every stream is up to date');
  for (const watch of watches) watch.compare();
};

/** Turns one by one, each after all events of the one before. */
const countSettled = async (world: FaultWorld, turns: number): Promise<PredictionCount> => {
  const traffic = createChatTraffic(12, systemPrompts);
  let wrong = 0;
  for (let turn = 0; turn < turns; turn += 1) {
    const { messages, onAnswer } = traffic.next();
    const { predicted, actual, text } = await sendChat(world.sidecar()?.proxy ?? '', { messages });
    onAnswer(text);
    if (predicted !== actual) wrong += 1;
    await world.settled();
  }
  return { predictions: turns, wrong };
};

/** Runs one scenario: chats without a fault, chats while it strikes, repair, chats again. Throws where it does not settle. */
export const measureScenario = async (scenario: FaultScenario, size: RunSize): Promise<FaultFigures> => {
  await using world = await createFaultWorld(scenario, size);
  const { load, watches, engines } = world;
  const running = load.run();
  // Whoever waits for turns is told; it is thrown below.
  running.catch(() => {});
  try {
    await world.control.lasting({ turns: 15, ms: 2_000 });
    await scenario.strike(world.control);
  } finally {
    load.stop();
    await running;
  }
  await awaitSettled(world, scenario);
  const settled = await countSettled(world, size.settledTurns);
  const sidecar = world.sidecar();
  const repairs = watches.flatMap((watch) => watch.repairs);
  const openNotices = watches.flatMap(({ openNoticeMs }) => (openNoticeMs === null ? [] : [openNoticeMs]));
  const differences = engines.map((_, engine) => sidecar?.differences(engine).length ?? 0);
  return {
    scenario,
    ...load.figures,
    repairs: repairs.length,
    noticeMs: spreadOf([...repairs.map(({ noticeMs }) => noticeMs), ...openNotices]),
    repairMs: spreadOf(repairs.map(({ repairMs }) => repairMs)),
    falseClaims: watches.reduce((sum, watch) => sum + watch.falseClaims, 0),
    settled: {
      trust: sidecar?.status(0)?.trust ?? 'fallback',
      differences: differences.reduce((sum, count) => sum + count, 0),
      ...settled,
    },
  };
};
