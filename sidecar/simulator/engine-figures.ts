import { Histogram } from './histogram.ts';

const firstTokenBounds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
];
const requestBounds = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];

/** Counters of one engine core since it started; tokens and requests are whole numbers, times seconds. */
export class EngineFigures {
  prefixCacheQueries = 0;
  prefixCacheHits = 0;
  promptTokens = 0;
  cachedPromptTokens = 0;
  generationTokens = 0;
  finishedByLength = 0;
  finishedByAbort = 0;
  readonly timeToFirstToken = new Histogram(firstTokenBounds);
  readonly queueTime = new Histogram(requestBounds);
  readonly requestLatency = new Histogram(requestBounds);
}
