import { describe, expect, it } from '@jest/globals';
import { parsePolicy, policyNames, profileOf } from '../../../../sidecar/app/replay/policies.ts';

describe('a policy by its name', () => {
  it.each(policyNames)('%s is known', (name) => {
    expect(profileOf(parsePolicy(name)).name).toBe(name);
  });

  it('may be a list of scorers with weights', () => {
    const { scorers } = profileOf(parsePolicy('precise-prefix-cache-scorer:3,queue-scorer'));
    expect(scorers.map(({ scorer, weight }) => [scorer.type, weight])).toEqual([
      ['precise-prefix-cache-scorer', 3],
      ['queue-scorer', 1],
    ]);
  });

  it.each(['fastest', 'precise-scorer', 'queue-scorer:x', 'queue-scorer:', 'queue-scorer:1:2'])(
    'refuses %s',
    (name) => {
      expect(() => parsePolicy(name)).toThrow('[invalid-argument]');
    },
  );
});
