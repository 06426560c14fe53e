import { describe, expect, it } from '@jest/globals';
import { createPortWatch } from '../../../sidecar/app/port-watch.ts';
import { type Endpoint, poolName } from '../../../sidecar/core/index.ts';
import type { Dial } from '../../../sidecar/discovery/index.ts';
import type { EndpointState } from '../../../sidecar/pool/index.ts';
import { endpoint as endpointOf } from '../../support/candidates.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createRecordingLogger } from '../../support/recording-logger.ts';

/** One pool whose endpoints lack events for `reasons`, by name. */
const setUp = (reasons: Readonly<Record<string, string | null>>, changes: Partial<EndpointState> = {}) => {
  const clock = createFakeClock();
  const { logger, lines } = createRecordingLogger();
  const stopping = new AbortController();
  const dialled: string[] = [];
  let isOpen = false;
  let current = reasons;
  const dial: Dial = async ({ host, port }) => {
    dialled.push(`${host}:${port}`);
    if (!isOpen) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  };
  const state = (endpoint: Endpoint): EndpointState => ({
    endpoint,
    isTerminating: false,
    health: 'ready',
    models: null,
    load: null,
    ...changes,
  });
  const pool = {
    pool: {
      snapshot: () => ({
        pool: poolName('pool'),
        version: 0,
        endpoints: Object.keys(reasons).map((name) => state(endpointOf(name, { eventsAddress: `tcp://${name}:5557` }))),
      }),
    },
    trustOf: (id: string) => {
      const reason = current[id.slice('pool/'.length)] ?? null;
      return { trust: reason === null ? ('exact' as const) : ('fallback' as const), reason, missingShare: 0 };
    },
  };
  const watch = createPortWatch({ runtimes: () => [pool], dial, clock, logger });
  watch.start(stopping.signal);
  return {
    clock,
    lines,
    watch,
    dialled,
    stop: () => stopping.abort(),
    open: () => {
      isOpen = true;
    },
    become: (next: Readonly<Record<string, string | null>>) => {
      current = next;
    },
  };
};

describe('the watch of event ports', () => {
  it('says which port of an endpoint without events is closed, and logs it once', async () => {
    const { clock, watch, dialled, lines } = setUp({ a: 'not-connected', b: null, c: 'silent' });
    expect(watch.findings()).toEqual([]);
    await clock.advance(30_000);
    expect(dialled).toEqual(['a:5557', 'a:5557']);
    expect(watch.findings()).toEqual([
      expect.objectContaining({
        code: 'events-unreachable',
        subject: 'pool/a',
        problem: expect.stringMatching(/5557/),
      }),
    ]);
    expect(lines.map(({ level, fields }) => [level, fields['endpoint']])).toEqual([['warn', 'pool/a']]);
  });

  it('takes a finding back when the port is open, or the stream is well', async () => {
    const first = setUp({ a: 'not-connected' });
    await first.clock.advance(15_000);
    first.open();
    await first.clock.advance(15_000);
    expect(first.watch.findings()).toEqual([]);

    const second = setUp({ a: 'disconnected' });
    await second.clock.advance(15_000);
    expect(second.watch.findings()).toHaveLength(1);
    second.become({ a: null });
    await second.clock.advance(15_000);
    expect(second.watch.findings()).toEqual([]);
  });

  it.each([
    ['that is going away', { isTerminating: true }],
    ['whose engine does not answer', { health: 'failing' as const }],
  ])('does not dial an endpoint %s', async (_, changes) => {
    const { clock, dialled } = setUp({ a: 'not-connected' }, changes);
    await clock.advance(15_000);
    expect(dialled).toEqual([]);
  });

  it('ends with its signal', async () => {
    const { clock, stop } = setUp({ a: 'not-connected' });
    await clock.advance(15_000);
    stop();
    expect(clock.pending).toBe(0);
  });
});
