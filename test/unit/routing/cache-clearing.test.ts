import { describe, expect, it } from '@jest/globals';
import { cacheClearingOf } from '../../../sidecar/routing/cache-clearing.ts';

describe('what a request does to the cache', () => {
  it.each([
    ['POST', '/reset_prefix_cache', 'reset'],
    ['POST', '/reset_prefix_cache?reset_running_requests=True', 'forced'],
    ['POST', '/sleep', 'forced'],
    ['POST', '/sleep?level=2', 'forced'],
    ['POST', '/sleep?level=0', null],
    ['POST', '/pause', 'forced'],
    ['POST', '/pause?clear_cache=false', null],
    ['GET', '/reset_prefix_cache', null],
    ['POST', '/v1/chat/completions', null],
    ['POST', null, null],
    ['POST', '//', null],
  ] as const)('%s %s: %s', (method, path, expected) => {
    expect(cacheClearingOf(method, path)).toBe(expected);
  });
});
