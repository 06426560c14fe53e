import type { EngineKind } from '../core/index.ts';
import { labelValue, readSamples, type WantedNames, wantNames } from './metrics-text.ts';

/** What one engine rank's samples say, null where they do not. Mutable only while a text is read. */
export interface EngineFigures {
  running: number | null;
  waiting: number | null;
  kvUsage: number | null;
  kvCapacityTokens: number | null;
  blockSize: number | null;
  prefixCachingEnabled: boolean | null;
  processStartSeconds: number | null;
  isAsleep: boolean | null;
  prefixCacheQueries: number | null;
  prefixCacheHits: number | null;
  firstTokens: number | null;
  finishedRequests: number | null;
}

/** Figures that nothing was said about. */
export const emptyFigures = (): EngineFigures => ({
  running: null,
  waiting: null,
  kvUsage: null,
  kvCapacityTokens: null,
  blockSize: null,
  prefixCachingEnabled: null,
  processStartSeconds: null,
  isAsleep: null,
  prefixCacheQueries: null,
  prefixCacheHits: null,
  firstTokens: null,
  finishedRequests: null,
});

/** What a metrics text says: figures by data-parallel rank, and those of samples that name no rank. */
export interface EngineReport {
  readonly ranks: ReadonlyMap<number, EngineFigures>;
  readonly unranked: EngineFigures;
}

type NumericFigure = {
  [Name in keyof EngineFigures]: number extends EngineFigures[Name] ? Name : never;
}[keyof EngineFigures];

type ReadSample = (figures: EngineFigures, labels: string, value: number) => void;

/** Largest of a figure's samples: for gauges that several processes report alike, and for old names beside new ones. */
const largest =
  (name: NumericFigure): ReadSample =>
  (figures, _labels, value) => {
    figures[name] = Math.max(figures[name] ?? Number.NEGATIVE_INFINITY, value);
  };

/** Sum of a figure's samples: for counters split by a label. */
const sum =
  (name: NumericFigure): ReadSample =>
  (figures, _labels, value) => {
    figures[name] = (figures[name] ?? 0) + value;
  };

const positiveInteger = (text: string | null): number | null =>
  text !== null && /^[1-9]\d*$/.test(text) ? Number(text) : null;

/**
 * vLLM's cache configuration, all in labels. One block of the pool is the null block, which holds no tokens. With several
 * ranks `num_gpu_blocks` may be the sum over them, so an override, which is a rank's, comes first.
 */
const readCacheConfig: ReadSample = (figures, labels) => {
  const blockSize = positiveInteger(labelValue(labels, 'block_size'));
  const blocks =
    positiveInteger(labelValue(labels, 'num_gpu_blocks_override')) ??
    positiveInteger(labelValue(labels, 'num_gpu_blocks'));
  const sizeTokens =
    positiveInteger(labelValue(labels, 'kv_cache_size_tokens')) ??
    (blocks === null || blockSize === null ? null : blocks * blockSize);
  figures.blockSize = blockSize;
  figures.kvCapacityTokens = sizeTokens === null ? null : Math.max(0, sizeTokens - (blockSize ?? 0));
  const caching = labelValue(labels, 'enable_prefix_caching');
  figures.prefixCachingEnabled = caching === null || caching === 'None' ? null : caching === 'True';
};

const readSleepState: ReadSample = (figures, labels, value) => {
  if (labelValue(labels, 'sleep_state') === 'awake') figures.isAsleep = value === 0;
};

interface EngineVocabulary {
  readonly rankLabel: string;
  readonly samples: ReadonlyMap<string, ReadSample>;
  readonly wanted: WantedNames;
}

const vocabulary = (rankLabel: string, samples: Readonly<Record<string, ReadSample>>): EngineVocabulary => {
  const all = { ...samples, process_start_time_seconds: largest('processStartSeconds') };
  return { rankLabel, samples: new Map(Object.entries(all)), wanted: wantNames(Object.keys(all)) };
};

/**
 * Metric names by engine. vLLM: vllm/v1/metrics/loggers.py, where the names with `gpu_` are those before 0.12.0.
 * SGLang: python/sglang/srt/observability/metrics_collector.py; its request counters name no rank.
 */
const vocabularies: Readonly<Record<EngineKind, EngineVocabulary>> = {
  vllm: vocabulary('engine', {
    'vllm:num_requests_running': largest('running'),
    'vllm:num_requests_waiting': largest('waiting'),
    'vllm:kv_cache_usage_perc': largest('kvUsage'),
    'vllm:gpu_cache_usage_perc': largest('kvUsage'),
    'vllm:cache_config_info': readCacheConfig,
    'vllm:engine_sleep_state': readSleepState,
    'vllm:prefix_cache_queries_total': largest('prefixCacheQueries'),
    'vllm:gpu_prefix_cache_queries_total': largest('prefixCacheQueries'),
    'vllm:prefix_cache_hits_total': largest('prefixCacheHits'),
    'vllm:gpu_prefix_cache_hits_total': largest('prefixCacheHits'),
    'vllm:time_to_first_token_seconds_count': sum('firstTokens'),
    'vllm:request_success_total': sum('finishedRequests'),
  }),
  sglang: vocabulary('dp_rank', {
    'sglang:num_running_reqs': largest('running'),
    'sglang:num_queue_reqs': largest('waiting'),
    'sglang:token_usage': largest('kvUsage'),
    'sglang:max_total_num_tokens': largest('kvCapacityTokens'),
    'sglang:page_size': largest('blockSize'),
    'sglang:prompt_tokens_total': sum('prefixCacheQueries'),
    'sglang:cached_tokens_total': sum('prefixCacheHits'),
    'sglang:time_to_first_token_seconds_count': sum('firstTokens'),
    'sglang:num_requests_total': sum('finishedRequests'),
  }),
};

/** Reads an engine's metrics text. Never throws; figures that are missing or unreadable stay null. */
export const readEngineReport = (text: string, engine: EngineKind): EngineReport => {
  const { rankLabel, samples, wanted } = vocabularies[engine];
  const ranks = new Map<number, EngineFigures>();
  const unranked = emptyFigures();
  readSamples(text, wanted, (name, labels, value) => {
    const rank = labels === '' ? null : labelValue(labels, rankLabel);
    const number = rank !== null && /^\d{1,6}$/.test(rank) ? Number(rank) : null;
    let figures = unranked;
    if (number !== null) {
      figures = ranks.get(number) ?? emptyFigures();
      ranks.set(number, figures);
    }
    samples.get(name)?.(figures, labels, value);
  });
  return { ranks, unranked };
};
