import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { loadOf, restartSign } from '../../../sidecar/pool/endpoint-load.ts';
import { readEngineReport } from '../../../sidecar/pool/engine-figures.ts';
import { load } from '../../support/candidates.ts';

const recorded = (version: string) =>
  readFileSync(new URL(`../../fixtures/vllm/${version}/metrics.txt`, import.meta.url), 'utf8');

const times = { sentAtMs: 10, readAtMs: 12 };
const only = { rank: 0, hasRanks: false };
const loadFrom = (text: string, endpoint: Parameters<typeof loadOf>[0] = only, engine: 'vllm' | 'sglang' = 'vllm') =>
  loadOf(endpoint, readEngineReport(text, engine), times);

describe('load of a vLLM endpoint', () => {
  it('reads what vLLM 0.23.0 reports', () => {
    expect(loadFrom(recorded('v0.23.0-array'))).toEqual({
      running: 0,
      waiting: 0,
      kvUsage: 0,
      ...times,
      // 66 blocks of 32, one of them the null block.
      kvCapacityTokens: 2080,
      blockSize: 32,
      prefixCachingEnabled: true,
      processStartSeconds: 1795341727.29,
      isAsleep: false,
      prefixCacheQueries: 13127,
      prefixCacheHits: 4608,
      firstTokens: 43,
      finishedRequests: 43,
    });
  });

  it('reads what vLLM 0.32.0 reports', () => {
    expect(loadFrom(recorded('v0.32.0-map'))).toMatchObject({
      kvCapacityTokens: 2080,
      blockSize: 32,
      prefixCacheQueries: 15075,
      prefixCacheHits: 6208,
      firstTokens: 49,
      finishedRequests: 49,
    });
  });

  it("reads each data-parallel rank's own figures", () => {
    const text = recorded('v0.32.0-map-dp2');
    const rank = (number: number) => loadFrom(text, { rank: number, hasRanks: true });
    expect(rank(0)).toMatchObject({ prefixCacheHits: 832, firstTokens: 4, kvCapacityTokens: 2080 });
    expect(rank(1)).toMatchObject({ prefixCacheHits: 864, firstTokens: 4, kvCapacityTokens: 2080 });
    expect(rank(2)).toBeNull();
  });

  it('adds up the ranks behind an endpoint that is not told apart by rank', () => {
    expect(loadFrom(recorded('v0.32.0-map-dp2'))).toMatchObject({
      prefixCacheHits: 832 + 864,
      firstTokens: 8,
      kvCapacityTokens: 4160,
      blockSize: 32,
    });
    const text = 'vllm:num_requests_running{engine="0"} 2\nvllm:num_requests_running{engine="1"} 3\n';
    const usage = 'vllm:kv_cache_usage_perc{engine="0"} 0.2\nvllm:kv_cache_usage_perc{engine="1"} 0.6\n';
    expect(loadFrom(text + usage)).toMatchObject({ running: 5, kvUsage: expect.closeTo(0.4) });
  });

  it('reads the names of versions before 0.12.0', () => {
    const text = [
      'vllm:num_requests_running{model_name="m"} 2.0',
      'vllm:num_requests_waiting{model_name="m"} 1.0',
      'vllm:gpu_cache_usage_perc{model_name="m"} 0.25',
      'vllm:gpu_prefix_cache_queries_total{model_name="m"} 100.0',
      'vllm:gpu_prefix_cache_hits_total{model_name="m"} 40.0',
    ].join('\n');
    expect(loadFrom(text)).toMatchObject({
      running: 2,
      waiting: 1,
      kvUsage: 0.25,
      prefixCacheQueries: 100,
      prefixCacheHits: 40,
    });
  });

  it('counts old and new names of one figure once', () => {
    const text = [
      'vllm:num_requests_running 1',
      'vllm:kv_cache_usage_perc 0.5',
      'vllm:gpu_cache_usage_perc 0.5',
      'vllm:prefix_cache_hits_total 7',
      'vllm:gpu_prefix_cache_hits_total 7',
    ].join('\n');
    expect(loadFrom(text)).toMatchObject({ kvUsage: 0.5, prefixCacheHits: 7 });
  });

  it('sees an engine asleep', () => {
    const text = [
      'vllm:num_requests_running{engine="0"} 0',
      'vllm:engine_sleep_state{engine="0",sleep_state="awake"} 0',
      'vllm:engine_sleep_state{engine="0",sleep_state="discard_all"} 1',
    ].join('\n');
    expect(loadFrom(text)?.isAsleep).toBe(true);
  });

  it('works the capacity out of blocks where the size is not reported, by a rank’s override first', () => {
    const config = (labels: string) => `vllm:num_requests_running 0\nvllm:cache_config_info{${labels}} 1.0\n`;
    const capacityOf = (labels: string) => loadFrom(config(labels))?.kvCapacityTokens;
    expect(capacityOf('block_size="16",num_gpu_blocks="100",num_gpu_blocks_override="None"')).toBe(99 * 16);
    expect(capacityOf('block_size="16",num_gpu_blocks="200",num_gpu_blocks_override="100"')).toBe(99 * 16);
    expect(capacityOf('block_size="16",num_gpu_blocks="None"')).toBeNull();
    expect(loadFrom(config('enable_prefix_caching="False"'))?.prefixCachingEnabled).toBe(false);
    expect(loadFrom(config('enable_prefix_caching="None"'))?.prefixCachingEnabled).toBeNull();
  });

  it('is unknown where the text says nothing of requests', () => {
    expect(loadFrom('process_start_time_seconds 1.7e9\n')).toBeNull();
    expect(loadFrom('<html>not found</html>')).toBeNull();
  });
});

describe('load of an SGLang endpoint', () => {
  const text = [
    'sglang:num_running_reqs{dp_rank="0",engine_type="unified",model_name="m",tp_rank="0"} 4.0',
    'sglang:num_running_reqs{dp_rank="0",engine_type="unified",model_name="m",tp_rank="1"} 4.0',
    'sglang:num_queue_reqs{dp_rank="0",model_name="m",tp_rank="0"} 3.0',
    'sglang:token_usage{dp_rank="0",model_name="m",tp_rank="0"} 0.25',
    'sglang:max_total_num_tokens{dp_rank="0",model_name="m"} 471258.0',
    'sglang:page_size{dp_rank="0",model_name="m"} 64',
    'sglang:prompt_tokens_total{model_name="m"} 1000.0',
    'sglang:cached_tokens_total{cache_source="device",model_name="m"} 300.0',
    'sglang:cached_tokens_total{cache_source="host",model_name="m"} 100.0',
    'sglang:time_to_first_token_seconds_count{model_name="m"} 9.0',
    'sglang:num_requests_total{model_name="m"} 8.0',
  ].join('\n');

  it('takes tensor-parallel ranks for one and adds up cache sources', () => {
    expect(loadFrom(text, only, 'sglang')).toMatchObject({
      running: 4,
      waiting: 3,
      kvUsage: 0.25,
      kvCapacityTokens: 471258,
      blockSize: 64,
      prefixCacheQueries: 1000,
      prefixCacheHits: 400,
      firstTokens: 9,
      finishedRequests: 8,
    });
  });

  it('gives a rank no counters that name none', () => {
    expect(loadFrom(text, { rank: 0, hasRanks: true }, 'sglang')).toMatchObject({ running: 4, firstTokens: null });
  });
});

describe('restartSign', () => {
  it.each([
    ['the process started later', { processStartSeconds: 100 }, { processStartSeconds: 101 }, 'process-start'],
    ['nothing moved', { processStartSeconds: 100, firstTokens: 4 }, { processStartSeconds: 100, firstTokens: 4 }, null],
    [
      'counters went back but the process is the same',
      { processStartSeconds: 100, firstTokens: 4 },
      { processStartSeconds: 100, firstTokens: 0 },
      null,
    ],
    ['first tokens went back, start unknown', { firstTokens: 4 }, { firstTokens: 3 }, 'counters'],
    ['cache queries went back, start unknown', { prefixCacheQueries: 4 }, { prefixCacheQueries: 0 }, 'counters'],
    ['counters grew, start unknown', { firstTokens: 4 }, { firstTokens: 9 }, null],
    ['counters are gone', { firstTokens: 4 }, {}, null],
  ])('where %s: %j, %j → %j', (_case, before, after, sign) => {
    expect(restartSign(load(before), load(after))).toBe(sign);
  });
});
