import { beforeAll, describe, expect, it } from '@jest/globals';
import { createPromptEncoder, type PromptEncoder } from '../../../sidecar/prompt/index.ts';
import { createMediumWeights, type RouteRequest } from '../../../sidecar/routing/index.ts';
import { tinyQwenFolder } from '../../../sidecar/simulator/index.ts';
import { endpoint } from '../../support/candidates.ts';
import { completion, createRoutingWorld, type RoutingWorld, tokens } from '../../support/routing-world.ts';

let encoder: PromptEncoder;
beforeAll(async () => {
  encoder = await createPromptEncoder({ folder: tinyQwenFolder });
});

const world = (weights: Readonly<Record<string, number>> = {}, scheduling?: unknown): RoutingWorld =>
  createRoutingWorld({ endpoints: ['a', 'b'], encoder, scheduling, mediumWeight: createMediumWeights(weights) });

const routed = async ({ director }: RoutingWorld, request: RouteRequest) => {
  const decision = await director.route(request);
  if (decision.kind !== 'routed') throw new Error(decision.kind);
  return decision;
};

describe('the weight of a medium', () => {
  it.each([
    ['GPU', 1],
    ['CPU', 0.8],
    ['cpu', 0.8],
    ['STORAGE', 0.5],
  ])('is on %s %f where nothing is configured', (medium, weight) => {
    expect(createMediumWeights({})(medium)).toBe(weight);
  });

  it('is what was configured, whatever the case', () => {
    const weightOf = createMediumWeights({ CPU: 0.3, fs: 0.9 });
    expect(['cpu', 'CPU', 'FS', 'GPU'].map(weightOf)).toEqual([0.3, 0.3, 0.9, 1]);
  });
});

describe('a decision over blocks on several media', () => {
  const profiles = [
    ['the default profile', undefined],
    [
      'a weighted profile',
      { scorers: [{ type: 'precise-prefix-cache-scorer' }], picker: { type: 'max-score-picker' } },
    ],
  ] as const;

  it.each(profiles)(
    'prefers fewer blocks on the fast medium where the slow one counts little, in %s',
    async (_, scheduling) => {
      const at = world({ CPU: 0.4 }, scheduling);
      at.store('a', tokens(100, 1600), 'CPU');
      at.store('b', tokens(100, 800));
      expect((await routed(at, completion(tokens(100, 2000)))).endpoint.name).toBe('b');
    },
  );

  it.each(profiles)('prefers more blocks on the slow medium where it counts enough, in %s', async (_, scheduling) => {
    const at = world({ CPU: 0.6 }, scheduling);
    at.store('a', tokens(100, 1600), 'CPU');
    at.store('b', tokens(100, 800));
    expect((await routed(at, completion(tokens(100, 2000)))).endpoint.name).toBe('a');
  });

  it('predicts what the engine reports: blocks that it loads are cached ones', async () => {
    const at = world({ CPU: 0.6 });
    at.store('a', tokens(100, 1600), 'CPU');
    expect(await routed(at, completion(tokens(100, 1601)))).toMatchObject({
      endpoint: { name: 'a' },
      reason: 'prefix',
      cachedTokens: 1600,
    });
  });

  it('weighs the blocks that can be reused alone', async () => {
    const at = world();
    at.store('a', tokens(100, 16), 'CPU');
    await routed(at, completion(tokens(100, 16)));
    const [record] = at.log.recent(1);
    expect(record?.candidates.find(({ endpoint }) => endpoint === 'a:8000')?.cachedTokens).toBe(12);
  });

  it('counts blocks in full that a request with more to compute is bringing to the fast medium', async () => {
    const at = world({ CPU: 0.1 });
    at.store('a', tokens(100, 1600), 'CPU');
    at.store('b', tokens(100, 400));
    const first = await routed(at, completion(tokens(100, 1620), { excluded: new Set([endpoint('b').id]) }));
    expect(first.endpoint.name).toBe('a');
    expect((await routed(at, completion(tokens(100, 1625)))).endpoint.name).toBe('a');
  });

  it('counts a block that lies on both media as on the faster', async () => {
    const at = world({ CPU: 0.1 });
    at.store('a', tokens(100, 1600), 'CPU');
    at.store('a', tokens(100, 1600), 'GPU');
    at.store('b', tokens(100, 800));
    expect((await routed(at, completion(tokens(100, 2000)))).endpoint.name).toBe('a');
  });
});
