import { describe, expect, it } from '@jest/globals';
import { createTrafficNotes } from '../../../sidecar/app/traffic-notes.ts';
import { endpointId } from '../../../sidecar/core/index.ts';
import type { EndpointLoad } from '../../../sidecar/pool/index.ts';

const a = endpointId('pool/a');

const load = (figures: Partial<EndpointLoad>): EndpointLoad => ({
  running: 0,
  waiting: 0,
  kvUsage: 0,
  sentAtMs: 0,
  readAtMs: 0,
  kvCapacityTokens: null,
  blockSize: 16,
  prefixCachingEnabled: true,
  processStartSeconds: null,
  isAsleep: false,
  prefixCacheQueries: 0,
  prefixCacheHits: 0,
  firstTokens: 0,
  finishedRequests: 0,
  ...figures,
});

/** Notes given for a row of scrapes. */
const notesOf = (...scrapes: readonly (EndpointLoad | null)[]): number => {
  let notes = 0;
  const observe = createTrafficNotes(() => {
    notes += 1;
  });
  for (const scrape of scrapes) observe(a, scrape);
  return notes;
};

describe('traffic told from scrapes', () => {
  it('is noted once prompts of two blocks or more were computed', () => {
    expect(notesOf(load({}), load({ firstTokens: 2, prefixCacheQueries: 100, prefixCacheHits: 32 }))).toBe(1);
  });

  it.each([
    ['prompts were short', load({ firstTokens: 10, prefixCacheQueries: 200 })],
    ['all of it was cached', load({ firstTokens: 2, prefixCacheQueries: 200, prefixCacheHits: 180 })],
    ['nothing was computed', load({})],
    ['the block size is not known', load({ firstTokens: 2, prefixCacheQueries: 100, blockSize: null })],
  ])('is not noted where %s', (_, next) => {
    expect(notesOf(load({}), next)).toBe(0);
  });

  it('needs two scrapes without a break', () => {
    const busy = load({ firstTokens: 2, prefixCacheQueries: 100 });
    expect(notesOf(busy)).toBe(0);
    expect(notesOf(load({}), null, busy)).toBe(0);
  });
});
