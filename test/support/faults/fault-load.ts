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
  /** Turns that were not answered, since what computed them was killed. */
  readonly failedTurns: number;
}

/** Chats without end, a turn after the other. */
export interface FaultLoad {
  /** Begins sending; resolves once `stop` was called and the last turn is over. */
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
  const counts = { between: { predictions: 0, wrong: 0 }, outside: { predictions: 0, wrong: 0 }, failedTurns: 0 };
  let isOver = false;
  let waiting: { readonly until: number; readonly resolve: () => void }[] = [];
  let sent = 0;

  const sendTurn = async (): Promise<void> => {
    const { messages, onAnswer } = traffic.next();
    const wasOpen = options.isFaultOpen();
    try {
      const { predicted, actual, text } = await sendChat(options.target(), { messages });
      onAnswer(text);
      if (predicted === null) return;
      const count = wasOpen || options.isFaultOpen() ? counts.between : counts.outside;
      count.predictions += 1;
      if (predicted !== actual) count.wrong += 1;
    } catch {
      counts.failedTurns += 1;
    }
  };

  return {
    run: async () => {
      while (!isOver) {
        const sentMs = performance.now();
        await sendTurn();
        await options.onRest();
        sent += 1;
        const isDue = ({ until }: { readonly until: number }): boolean => until <= sent;
        for (const { resolve } of waiting.filter(isDue)) resolve();
        waiting = waiting.filter((each) => !isDue(each));
        const restMs = options.turnMs - (performance.now() - sentMs);
        if (restMs > 0) await delay(systemClock, restMs);
      }
    },
    stop: () => {
      isOver = true;
    },
    turns: (count) => new Promise((resolve) => waiting.push({ until: sent + count, resolve })),
    figures: counts,
  };
};
