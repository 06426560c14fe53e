import { delay, systemClock } from '../../../sidecar/core/index.ts';
import { createChatTraffic, sendChat } from '../app-chat.ts';

/** What became of the predictions of some turns. */
export interface PredictionCount {
  readonly predictions: number;
  readonly wrong: number;
}

/** Counts of a {@link FaultLoad}. */
export interface LoadFigures {
  /** Of turns during which a fault was open. */
  readonly between: PredictionCount;
  /** Of turns before the fault, after the repair and between two faults. */
  readonly outside: PredictionCount;
  /** The wrong ones of those, for finding out why. */
  readonly outsideWrong: readonly string[];
  /** Turns that were not answered, since what computed them was killed. */
  readonly failedTurns: number;
}

/** Chats without end, a turn after the other. */
export interface FaultLoad {
  /** Begins sending; resolves once `stop` was called and the last turn is over, rejects where `onRest` does. */
  run(): Promise<void>;
  stop(): void;
  /** Resolves when so many more turns are over. */
  turns(count: number): Promise<void>;
  readonly figures: LoadFigures;
}

/** What a load works with. */
export interface FaultLoadOptions {
  /** Base URL to send to. */
  readonly target: () => string;
  /** Least time from one turn to the next. */
  readonly turnMs: number;
  readonly isFaultOpen: () => boolean;
  /** Called after each turn, with nothing under way; the next turn waits for it. */
  readonly onRest: () => Promise<void>;
  readonly seed: number;
}

/** So many that chats which begin find their text on no engine, now and then, and every engine gets some. */
export const systemPrompts = 24;

/** Creates a load; one turn at a time, so that without a fault every prediction can be right. */
export const createFaultLoad = (options: FaultLoadOptions): FaultLoad => {
  const traffic = createChatTraffic(options.seed, systemPrompts);
  const outsideWrong: string[] = [];
  const counts = {
    between: { predictions: 0, wrong: 0 },
    outside: { predictions: 0, wrong: 0 },
    outsideWrong,
    failedTurns: 0,
  };
  let isOver = false;
  let waiting: {
    readonly until: number;
    readonly resolve: () => void;
    readonly reject: (failure: unknown) => void;
  }[] = [];
  let sent = 0;

  const sendTurn = async (): Promise<void> => {
    const { messages, onAnswer } = traffic.next();
    const wasOpen = options.isFaultOpen();
    try {
      const { predicted, actual, text, endpoint, reason } = await sendChat(options.target(), { messages });
      onAnswer(text);
      if (predicted === null) return;
      const isBetween = wasOpen || options.isFaultOpen();
      const count = isBetween ? counts.between : counts.outside;
      count.predictions += 1;
      if (predicted === actual) return;
      count.wrong += 1;
      if (!isBetween) outsideWrong.push(`turn ${sent}: ${predicted} predicted (${reason}), ${actual} on ${endpoint}`);
    } catch {
      counts.failedTurns += 1;
    }
  };

  const runTurn = async (): Promise<void> => {
    const sentMs = performance.now();
    await sendTurn();
    await options.onRest();
    sent += 1;
    for (const { until, resolve } of waiting) if (until <= sent) resolve();
    waiting = waiting.filter(({ until }) => until > sent);
    const restMs = options.turnMs - (performance.now() - sentMs);
    if (restMs > 0) await delay(systemClock, restMs);
  };

  return {
    run: async () => {
      try {
        while (!isOver) await runTurn();
      } catch (failure) {
        for (const { reject } of waiting) reject(failure);
        throw failure;
      }
    },
    stop: () => {
      isOver = true;
    },
    turns: (count) => new Promise((resolve, reject) => waiting.push({ until: sent + count, resolve, reject })),
    figures: counts,
  };
};
