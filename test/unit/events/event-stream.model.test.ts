import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { act, createStreamWorld, isTrue, settle, streamActions } from '../../support/stream-world.ts';

const schedule = fc.array(fc.oneof(...streamActions), { minLength: 1, maxLength: 80 });

describe('a stream under random faults', () => {
  it('ends with the engine’s own cache, and exact, where the engine still has everything for replay', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), schedule, async (seed, actions) => {
        const world = createStreamWorld({ seed, hasReplay: true });
        for (const action of actions) await act(world, action);
        await settle(world);
        // Batches that a replay brought unreadable are fetched again, but not without end.
        const isGarbled = actions.some((action) => action.kind === 'replay' && action.mode === 'garbage');
        const { trust } = world.harness.stream.trust();
        expect({ trust, isTrue: isTrue(world) }).toEqual(
          isGarbled && trust !== 'exact' ? expect.anything() : { trust: 'exact', isTrue: true },
        );
      }),
      { numRuns: 300 },
    );
  });

  it('is never exact and wrong where the replay buffer is short', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 8 }), schedule, async (seed, bufferBatches, actions) => {
        const world = createStreamWorld({ seed, hasReplay: true, bufferBatches });
        for (const action of actions) await act(world, action);
        await settle(world);
        if (world.harness.stream.trust().trust === 'exact') expect(isTrue(world)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is never exact and wrong without a replay endpoint, where restarts are told', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), schedule, async (seed, actions) => {
        const world = createStreamWorld({ seed, hasReplay: false });
        for (const action of actions)
          await act(world, action.kind === 'restart' ? { ...action, notice: 'pool' } : action);
        await settle(world);
        if (world.harness.stream.trust().trust === 'exact') expect(isTrue(world)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
