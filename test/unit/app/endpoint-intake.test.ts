import { describe, expect, it } from '@jest/globals';
import { createEndpointIntake } from '../../../sidecar/app/endpoint-intake.ts';
import type { DiscoveredEndpoint } from '../../../sidecar/discovery/index.ts';
import { endpoint } from '../../support/candidates.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const named = (names: readonly string[]): readonly DiscoveredEndpoint[] =>
  names.map((name) => ({ endpoint: endpoint(name), isTerminating: false, incarnation: null }));

const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `e${index}`);

const setUp = () => {
  const clock = createFakeClock();
  const taken: (readonly string[])[] = [];
  const intake = createEndpointIntake({
    clock,
    take: (endpoints) => taken.push(endpoints.map((each) => each.endpoint.name)),
  });
  return { clock, taken, intake };
};

describe('the intake of endpoints', () => {
  it('hands a few on at once', async () => {
    const { clock, taken, intake } = setUp();
    intake.offer(named(['a', 'b']));
    expect(taken).toEqual([['a', 'b']]);
    expect(clock.pending).toBe(0);
    await intake.settled();
  });

  it('hands many on in slices with pauses between them, in their order', async () => {
    const { clock, taken, intake } = setUp();
    intake.offer(named(numbered(20)));
    expect(taken.map(({ length }) => length)).toEqual([8]);
    expect(intake.pending()).toBe(12);
    let isSettled = false;
    void intake.settled().then(() => {
      isSettled = true;
    });
    await clock.advance(25);
    expect(isSettled).toBe(false);
    await clock.advance(25);
    expect(taken.map(({ length }) => length)).toEqual([8, 16, 20]);
    expect(taken.at(-1)).toEqual(numbered(20));
    expect(isSettled).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('lets endpoints go at once, also those not handed on yet', async () => {
    const { clock, taken, intake } = setUp();
    intake.offer(named(numbered(20)));
    intake.offer(named(['e1', 'e19']));
    expect(taken.at(-1)).toEqual(['e1', 'e19']);
    await clock.advance(1000);
    expect(taken).toHaveLength(2);
  });

  it('hands on what changed of endpoints that stay, without a pause', () => {
    const { taken, intake } = setUp();
    intake.offer(named(['a']));
    intake.offer(named(['a']));
    expect(taken).toEqual([['a'], ['a']]);
  });

  it('ends, and lets go who waits, at stop', async () => {
    const { clock, taken, intake } = setUp();
    intake.offer(named(numbered(20)));
    const settled = intake.settled();
    intake.stop();
    await settled;
    await clock.advance(1000);
    expect(taken).toHaveLength(1);
  });
});
