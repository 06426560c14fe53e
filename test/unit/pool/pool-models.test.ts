import { describe, expect, it } from '@jest/globals';
import { ok } from '../../support/fake-http.ts';
import { createWorld, member, models } from '../../support/pool-world.ts';

describe('pool models', () => {
  const card = (id: string, extra: Readonly<Record<string, unknown>> = {}) => ({ id, object: 'model', ...extra });

  it('are told with base models first, adapters with their parent', async () => {
    const world = createWorld();
    const data = [
      card('lora-a', { parent: 'base', max_model_len: null }),
      card('base', { parent: null, max_model_len: 32768 }),
    ];
    world.http.set('http://a:8000/v1/models', ok(JSON.stringify({ object: 'list', data })));
    world.pool.replace([member('a', { metricsUrl: null })]);
    world.start();
    await world.clock.advance(200);
    expect(world.state('a')?.models).toEqual([
      { id: 'base', parent: null, maxModelLength: 32768 },
      { id: 'lora-a', parent: 'base', maxModelLength: null },
    ]);
    world.stop();
  });

  it('are asked for every half minute and on demand, and told only when they change', async () => {
    const world = createWorld();
    world.setUp('a');
    world.pool.replace([member('a')]);
    world.start();
    await world.clock.advance(1000);
    expect(world.http.count('http://a:8000/v1/models')).toBe(1);
    const before = world.versions.length;
    world.http.set('http://a:8000/v1/models', models('m', 'n'));
    world.pool.refreshModels();
    await world.clock.advance(0);
    expect(world.state('a')?.models).toHaveLength(2);
    expect(world.versions.length).toBe(before + 1);
    await world.clock.advance(65_000);
    expect(world.http.count('http://a:8000/v1/models')).toBe(4);
    expect(world.versions.length).toBe(before + 1);
    world.stop();
  });

  it('are asked for every second until they are told', async () => {
    const world = createWorld();
    world.http.set('http://a:8000/v1/models', { kind: 'answered', status: 503, text: 'loading' });
    world.pool.replace([member('a', { metricsUrl: null })]);
    world.start();
    await world.clock.advance(5000);
    expect(world.http.count('http://a:8000/v1/models')).toBeGreaterThan(3);
    world.http.set('http://a:8000/v1/models', models('m'));
    await world.clock.advance(1200);
    expect(world.state('a')?.models).toHaveLength(1);
    world.stop();
  });

  it.each([['not JSON'], ['{"data":{}}'], ['[]'], ['null']])('stay what they were on the answer %s', async (text) => {
    const world = createWorld();
    world.setUp('a');
    world.pool.replace([member('a')]);
    world.start();
    await world.clock.advance(500);
    world.http.set('http://a:8000/v1/models', ok(text));
    world.pool.refreshModels();
    await world.clock.advance(100);
    expect(world.state('a')?.models).toHaveLength(1);
    world.stop();
  });
});
