import type { EngineCore } from '../engine-core.ts';
import type { EngineProcess } from '../engine-process.ts';
import type { Histogram } from '../histogram.ts';

type Labels = Readonly<Record<string, string>>;
type MetricType = 'gauge' | 'counter' | 'histogram';

const escapeLabel = (value: string): string => value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');

const formatSeries = (name: string, labels: Labels, value: number): string => {
  const pairs = Object.keys(labels)
    .sort()
    .map((label) => `${label}="${escapeLabel(labels[label] ?? '')}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
};

/** Samples of one metric of one core: further labels and the value. */
type Samples = (core: EngineCore, process: EngineProcess) => readonly (readonly [Labels, number])[];

const one =
  (read: (core: EngineCore) => number): Samples =>
  (core) => [[{}, read(core)]];

const sleepStates: Samples = (_, { sleepLevel }) => [
  [{ sleep_state: 'awake' }, sleepLevel === 0 ? 1 : 0],
  [{ sleep_state: 'weights_offloaded' }, sleepLevel === 1 ? 1 : 0],
  [{ sleep_state: 'discard_all' }, sleepLevel === 2 ? 1 : 0],
];

const cacheConfig: Samples = (_, { options }) => [
  [
    {
      block_size: `${options.blockSize}`,
      num_gpu_blocks: `${options.blocks}`,
      kv_cache_size_tokens: `${options.blocks * options.blockSize}`,
      enable_prefix_caching: 'True',
      prefix_caching_hash_algo: 'sha256',
    },
    1,
  ],
];

const promptTokensBySource: Samples = ({ figures }) => [
  [{ source: 'local_compute' }, figures.promptTokens - figures.cachedPromptTokens],
  [{ source: 'local_cache_hit' }, figures.cachedPromptTokens],
  [{ source: 'external_kv_transfer' }, 0],
];

const endedRequests: Samples = ({ figures }) => [
  [{ finished_reason: 'length' }, figures.finishedByLength],
  [{ finished_reason: 'abort' }, figures.finishedByAbort],
];

const metrics: readonly (readonly [name: string, type: Exclude<MetricType, 'histogram'>, samples: Samples])[] = [
  ['vllm:num_requests_running', 'gauge', one((core) => core.runningRequests)],
  ['vllm:num_requests_waiting', 'gauge', one((core) => core.waitingRequests)],
  ['vllm:engine_sleep_state', 'gauge', sleepStates],
  ['vllm:kv_cache_usage_perc', 'gauge', one((core) => core.usage)],
  ['vllm:prefix_cache_queries_total', 'counter', one((core) => core.figures.prefixCacheQueries)],
  ['vllm:prefix_cache_hits_total', 'counter', one((core) => core.figures.prefixCacheHits)],
  ['vllm:num_preemptions_total', 'counter', one((core) => core.preemptions)],
  ['vllm:prompt_tokens_total', 'counter', one((core) => core.figures.promptTokens)],
  ['vllm:prompt_tokens_by_source_total', 'counter', promptTokensBySource],
  ['vllm:prompt_tokens_cached_total', 'counter', one((core) => core.figures.cachedPromptTokens)],
  ['vllm:generation_tokens_total', 'counter', one((core) => core.figures.generationTokens)],
  ['vllm:request_success_total', 'counter', endedRequests],
  ['vllm:cache_config_info', 'gauge', cacheConfig],
];

const histograms: readonly (readonly [name: string, read: (core: EngineCore) => Histogram])[] = [
  ['vllm:time_to_first_token_seconds', ({ figures }) => figures.timeToFirstToken],
  ['vllm:request_queue_time_seconds', ({ figures }) => figures.queueTime],
  ['vllm:e2e_request_latency_seconds', ({ figures }) => figures.requestLatency],
];

/** vLLM names no model and no engine here; the value is the time of the sample. */
const loraInfo = (process: EngineProcess): string => {
  const { loraAdapters, clock } = process.options;
  if (loraAdapters.length === 0) return '';
  const names = process.cores.map((core) => core.loraNames());
  const listed = (part: 'running' | 'waiting') => names.flatMap((each) => each[part]).join(',');
  const labels = {
    max_lora: `${loraAdapters.length}`,
    running_lora_adapters: listed('running'),
    waiting_lora_adapters: listed('waiting'),
  };
  const name = 'vllm:lora_requests_info';
  return `# TYPE ${name} gauge\n${formatSeries(name, labels, clock.wallNow() / 1000)}`;
};

/**
 * The engine's `/metrics` in Prometheus text format, under vLLM's names and labels (vllm/v1/metrics/loggers.py); the
 * part of them that routers read.
 */
export const formatMetrics = (process: EngineProcess): string => {
  const cores = [...process.cores.entries()];
  const identity = (engine: number): Labels => ({ engine: `${engine}`, model_name: process.options.model });
  let page = '# TYPE process_start_time_seconds gauge\n';
  page += formatSeries('process_start_time_seconds', {}, process.startedAtSeconds);
  for (const [name, type, samples] of metrics) {
    page += `# TYPE ${name} ${type}\n`;
    for (const [engine, core] of cores) {
      for (const [labels, value] of samples(core, process)) {
        page += formatSeries(name, { ...identity(engine), ...labels }, value);
      }
    }
  }
  for (const [name, read] of histograms) {
    page += `# TYPE ${name} histogram\n`;
    for (const [engine, core] of cores) {
      read(core).write((suffix, labels, value) => {
        page += formatSeries(name + suffix, { ...identity(engine), ...labels }, value);
      });
    }
  }
  return page + loraInfo(process);
};
