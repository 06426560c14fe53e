import { describe, expect, it } from '@jest/globals';
import { lookOnce } from '../../../../sidecar/cli/doctor/look-once.ts';
import { delay, SidecarError } from '../../../../sidecar/core/index.ts';
import type { Discovery, Finding } from '../../../../sidecar/discovery/index.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';

const denied: Finding = { code: 'access-denied', subject: 'pods', problem: 'reading is forbidden (403)', mend: 'rule' };

/** A source whose first look goes as `start` says. */
const sourceOf = (start: Discovery['start'], findings: () => readonly Finding[] = () => []) => ({
  name: 'kubernetes',
  discovery: { start, findings, condition: () => ({ isHealthy: true, detail: '' }) },
});

const never = (): Promise<void> => new Promise(() => {});

const look = (source: ReturnType<typeof sourceOf>, clock: FakeClock, signal = new AbortController().signal) =>
  lookOnce(source, { clock, signal });

describe('one look at a source of pools', () => {
  it('ends the source once its first look is complete', async () => {
    const clock = createFakeClock();
    const signals: AbortSignal[] = [];
    const seen = await look(
      sourceOf(async (signal, onChange) => {
        signals.push(signal);
        onChange([]);
      }),
      clock,
    );
    expect(seen).toEqual({ source: 'kubernetes', pools: [], isComplete: true, findings: [] });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(clock.pending).toBe(0);
  });

  it('waits no longer for the rest than it takes to fail, once something was found wanting', async () => {
    const clock = createFakeClock();
    let isSettled = false;
    const looking = look(
      sourceOf(never, () => (clock.now() >= 300 ? [denied] : [])),
      clock,
    ).finally(() => {
      isSettled = true;
    });
    await clock.advance(1700);
    expect(isSettled).toBe(false);
    await clock.advance(200);
    expect(await looking).toMatchObject({ isComplete: false, findings: [denied] });
  });

  it('is given up where nothing comes at all', async () => {
    const clock = createFakeClock();
    const looking = look(sourceOf(never), clock);
    await clock.advance(15_000);
    expect((await looking).findings).toEqual([
      expect.objectContaining({ code: 'server-unreachable', problem: 'it could not be read in 15 s' }),
    ]);
  });

  it('makes a finding of a source that cannot be started', async () => {
    const start = async (): Promise<void> => {
      throw new SidecarError('unavailable', 'no credentials');
    };
    const seen = await look(sourceOf(start), createFakeClock());
    expect(seen.findings).toEqual([
      expect.objectContaining({ code: 'server-unreachable', problem: expect.stringContaining('no credentials') }),
    ]);
  });

  it('rejects only where it is aborted', async () => {
    const clock = createFakeClock();
    const stopping = new AbortController();
    const looking = look(
      sourceOf((signal) => delay(clock, 60_000, signal)),
      clock,
      stopping.signal,
    );
    stopping.abort(new Error('enough'));
    await expect(looking).rejects.toThrow('enough');
  });
});
