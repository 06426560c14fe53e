import { type Clock, systemClock } from '../core/index.ts';
import {
  type ChatLoadShape,
  type ChatSample,
  createEngine,
  type EngineAddresses,
  type EngineTokenizer,
  runChatLoad,
} from '../simulator/index.ts';

/** Figures of one policy under the load. */
export interface PolicyFigures {
  readonly requests: number;
  readonly failed: number;
  /** Prompt tokens found cached, of all prompt tokens, as the engines report them. */
  readonly hitRatio: number;
  readonly ttftMeanMs: number;
  readonly ttftP90Ms: number;
  readonly requestsPerSecond: number;
  /** Predictions made in `x-warmroute-cached-tokens`, and those of them that the engine confirmed to the token. */
  readonly predictions: { readonly total: number; readonly exact: number };
}

/** Name of a policy in the comparison, and the `scheduling` block that makes it. */
export interface ComparedPolicy {
  readonly name: string;
  readonly scheduling: unknown;
}

/** The four policies, from the plainest to the default. */
export const comparedPolicies: readonly ComparedPolicy[] = [
  { name: 'round-robin', scheduling: { scorers: [], picker: { type: 'round-robin-picker' } } },
  { name: 'least-load', scheduling: { scorers: [{ type: 'active-request-scorer' }, { type: 'queue-scorer' }] } },
  {
    name: 'approximate',
    scheduling: {
      scorers: [
        { type: 'prefix-cache-scorer', weight: 3 },
        { type: 'queue-scorer', weight: 2 },
        { type: 'kv-cache-utilization-scorer', weight: 2 },
      ],
    },
  },
  { name: 'precise', scheduling: {} },
];

/** Chats that fit the caches of two engines of {@link comparedEngine} together, but not one of them alone. */
export const comparedLoad: ChatLoadShape = {
  conversations: 24,
  turns: 6,
  systemPrompts: 10,
  systemWords: 600,
  userWords: 110,
  answerTokens: 24,
  rampMs: 1200,
  thinkMs: 1250,
  seed: 7,
};

/** Size and speed of the compared engines. */
export const comparedEngine = {
  blocks: 1400,
  blockSize: 16,
  maxRunningRequests: 16,
  stepTimes: { prefillTokensPerSecond: 10_000, stepBaseMs: 6, stepMsPerDecode: 0.2 },
} as const;

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

const figuresOf = (samples: readonly ChatSample[], elapsedMs: number): PolicyFigures => {
  const served = samples.filter(({ status, ttftMs }) => status === 200 && ttftMs !== null);
  const ttft = served.map(({ ttftMs }) => ttftMs ?? 0).sort((a, b) => a - b);
  const sum = (of: (sample: ChatSample) => number): number => served.reduce((total, sample) => total + of(sample), 0);
  const predicted = served.filter(({ predictedCachedTokens }) => predictedCachedTokens !== null);
  return {
    requests: samples.length,
    failed: samples.length - served.length,
    hitRatio:
      sum(({ cachedTokens }) => cachedTokens) /
      Math.max(
        1,
        sum(({ promptTokens }) => promptTokens),
      ),
    ttftMeanMs: ttft.reduce((total, ms) => total + ms, 0) / Math.max(1, ttft.length),
    ttftP90Ms: quantile(ttft, 0.9),
    requestsPerSecond: (served.length * 1000) / elapsedMs,
    predictions: {
      total: predicted.length,
      exact: predicted.filter(({ predictedCachedTokens, cachedTokens }) => predictedCachedTokens === cachedTokens)
        .length,
    },
  };
};

/** Engines started for a run, and how to end them. */
export interface StartedEngines {
  readonly addresses: readonly EngineAddresses[];
  stop(): Promise<void>;
}

/** Starts `replicas` embedded engines with cold caches. */
export const startEngines = async (
  replicas: number,
  options: { readonly tokenizer: EngineTokenizer; readonly model: string },
): Promise<StartedEngines> => {
  const engines = Array.from({ length: replicas }, () =>
    createEngine({ ...comparedEngine, tokenizer: options.tokenizer, model: options.model }),
  );
  const addresses = await Promise.all(engines.map((engine) => engine.start()));
  return {
    addresses,
    stop: async () => {
      await Promise.all(engines.map((engine) => engine.stop()));
    },
  };
};

/** Sends the load through one running sidecar and sums up. */
export const measurePolicy = async (options: {
  readonly url: string;
  readonly model: string;
  readonly load: ChatLoadShape;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly onSample?: () => void;
}): Promise<PolicyFigures> => {
  const { clock = systemClock, load, onSample } = options;
  const startMs = clock.now();
  const samples = await runChatLoad(load, { ...options, clock, onSample: () => onSample?.() });
  return figuresOf(samples, clock.now() - startMs);
};
