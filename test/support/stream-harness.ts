import {
  type Endpoint,
  type EndpointId,
  endpointId,
  type LogFields,
  type Logger,
  poolName,
  seededRandom,
  silentMetrics,
} from '../../sidecar/core/index.ts';
import { engineAdapters } from '../../sidecar/events/engines/registry.ts';
import { defaultTiming, type ReplayPort, type StreamTiming } from '../../sidecar/events/index.ts';
import { createReplayGate, type ReplayGate } from '../../sidecar/events/replay-gate.ts';
import { BatchApplier } from '../../sidecar/events/stream/batch-applier.ts';
import { EventStream } from '../../sidecar/events/stream/event-stream.ts';
import { LossLedger } from '../../sidecar/events/stream/loss-ledger.ts';
import { Orphans } from '../../sidecar/events/stream/orphans.ts';
import type { TurnQueue } from '../../sidecar/events/turn-queue.ts';
import type { Holder, KvEvent } from '../../sidecar/kvindex/index.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createTinyIndex, type TinyIndex } from './tiny-index.ts';

/** A replay request as an engine's socket would see it; the test answers it. */
interface OpenReplay {
  readonly from: number;
  readonly isClosed: boolean;
  /** Sends one reply, or several. */
  answer(...replies: readonly (readonly Uint8Array[])[]): void;
  fail(): void;
}

/** A replay socket under a test's control. */
export interface FakeReplayPort extends ReplayPort {
  /** Every request so far, in order. */
  readonly requests: readonly OpenReplay[];
  /** The request under way; throws where there is none. */
  readonly current: OpenReplay;
}

/** `answer`, where given, says what each request is answered with, after `open` has returned; null leaves it to the test. */
export const createFakeReplayPort = (
  answer: (from: number) => readonly (readonly Uint8Array[])[] | null = () => null,
): FakeReplayPort => {
  const requests: OpenReplay[] = [];
  return {
    requests,
    get current() {
      const last = requests.at(-1);
      if (last === undefined || last.isClosed) throw new Error('no replay is under way');
      return last;
    },
    open: ({ from, onFrames, onFailure }) => {
      let isClosed = false;
      queueMicrotask(() => {
        for (const frames of answer(from) ?? []) onFrames(frames);
      });
      requests.push({
        from,
        get isClosed() {
          return isClosed;
        },
        answer: (...replies) => {
          for (const frames of replies) onFrames(frames);
        },
        fail: () => onFailure(new Error('refused')),
      });
      return () => {
        isClosed = true;
      };
    },
  };
};

/** Keeps each line's message with its fields. */
export interface RecordingLogger extends Logger {
  readonly lines: readonly { readonly level: string; readonly message: string; readonly fields: LogFields }[];
}

export const createRecordingLogger = (): RecordingLogger => {
  const lines: { level: string; message: string; fields: LogFields }[] = [];
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields });
    };
  const logger: RecordingLogger = {
    lines,
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    child: () => logger,
  };
  return logger;
};

/** Runs every job at once. */
export const endlessTurn: TurnQueue = {
  hasTime: () => true,
  run: (job) => {
    job();
    return Promise.resolve();
  },
  waiting: 0,
};

/** An endpoint with defaults for what a test does not care about. */
export const streamEndpoint = (name: string, overrides: Partial<Endpoint> = {}): Endpoint => ({
  id: endpointId(`pool/${name}`),
  name,
  pool: poolName('pool'),
  address: '127.0.0.1:8001',
  rank: 0,
  hasRanks: false,
  role: 'both',
  engine: 'vllm',
  eventsAddress: 'tcp://127.0.0.1:5557',
  replayAddress: null,
  metricsUrl: null,
  ...overrides,
});

/** A stream without sockets, with an index and a clock of its own. */
export interface StreamHarness {
  readonly stream: EventStream;
  readonly index: TinyIndex;
  readonly endpoint: EndpointId;
  readonly holder: Holder;
  readonly clock: FakeClock;
  readonly replay: FakeReplayPort;
  readonly logger: RecordingLogger;
  /** Events told to the hook, in order. */
  readonly events: readonly KvEvent[];
}

/** Creates a stream; `hasReplay` says whether the engine has a replay endpoint (default yes). */
export const createStreamHarness = (
  options: {
    readonly hasReplay?: boolean;
    readonly timing?: Partial<StreamTiming>;
    readonly turns?: TurnQueue;
    readonly gate?: ReplayGate;
    readonly clock?: FakeClock;
    readonly replay?: FakeReplayPort;
    readonly index?: TinyIndex;
    /** Whether what is missing at the beginning waits for content of elsewhere (default no). */
    readonly isHeld?: boolean;
  } = {},
): StreamHarness => {
  const clock = options.clock ?? createFakeClock();
  const index = options.index ?? createTinyIndex();
  const replay = options.replay ?? createFakeReplayPort();
  const logger = createRecordingLogger();
  const endpoint = streamEndpoint('a');
  const timing = { ...defaultTiming, ...options.timing };
  const holder = index.addHolder(endpoint.id);
  const ledger = new LossLedger();
  const events: KvEvent[] = [];
  const labels = { endpoint: endpoint.id, pool: endpoint.pool };
  const stream = new EventStream({
    endpoint,
    adapter: engineAdapters.vllm,
    applier: new BatchApplier({
      endpoint,
      holder,
      index,
      ledger,
      orphans: new Orphans({ maxBlocks: timing.maxOrphanBlocks, maxAgeMs: timing.maxOrphanAgeMs }),
      clock,
      metrics: silentMetrics,
      labels,
      onApplied: (_, event) => events.push(event),
    }),
    ledger,
    replay: options.hasReplay === false ? null : replay,
    gate: options.gate ?? createReplayGate(),
    turns: options.turns ?? endlessTurn,
    clock,
    random: seededRandom(1),
    logger,
    metrics: silentMetrics,
    labels,
    timing,
    isHeld: options.isHeld ?? false,
    onProgress: () => {},
    onChanged: () => {},
  });
  return { stream, index, endpoint: endpoint.id, holder, clock, replay, logger, events };
};
