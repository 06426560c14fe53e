import type { FaultControl, FaultScenario } from './scenario.ts';

type BatchFault = Parameters<FaultControl['strikeBatches']>[0];

/** A share of all batches is struck while chats go on. */
const share = (kind: BatchFault, percent: number, participle: string): FaultScenario => ({
  id: `${kind}-${percent}`,
  fault: `${percent} % of event batches ${participle}`,
  settles: 'exact',
  strike: async (control) => {
    await control.strikeBatches(kind, { share: percent / 100 });
    await control.lasting({ turns: percent < 5 ? 80 : 30, ms: 10_000 });
    await control.mend();
  },
});

/** Batches are lost while the replay socket does not do its job; it does so again once the sidecar has given up. */
const brokenReplay = (replay: 'absent' | 'silent' | 'garbage' | 'truncated', how: string): FaultScenario => ({
  id: `replay-${replay}`,
  fault: `3 batches dropped while the replay socket ${how}`,
  settles: 'exact',
  strike: async (control) => {
    await control.setFaults({ replay });
    await control.strikeBatches('drop', { batches: 3 });
    await control.until(({ trust, batchesLost }) => trust !== 'exact' && (replay === 'truncated' || batchesLost > 0));
    await control.lasting({ turns: 4, ms: 2_000 });
    await control.mend();
    await control.until(({ trust }) => trust === 'exact');
  },
});

const engineRestart = (hashes: 'same' | 'fresh', how: string): FaultScenario => ({
  id: `engine-restart-${hashes}`,
  fault: `engine killed and restarted at its address, ${how}`,
  settles: 'exact',
  strike: async (control) => {
    await control.lasting({ turns: 10, ms: 1_000 });
    await control.restartEngine(hashes);
    await control.lasting({ turns: 20, ms: 5_000 });
  },
});

/** Every fault that the sidecar is held to, in the order of the table. Run by `npm test` and `npm run reliability`. */
export const faultScenarios: readonly FaultScenario[] = [
  {
    id: 'none',
    fault: 'none, for comparison',
    settles: 'exact',
    strike: (control) => control.lasting({ turns: 30, ms: 10_000 }),
  },
  share('drop', 1, 'dropped'),
  share('drop', 10, 'dropped'),
  share('duplicate', 1, 'sent twice'),
  share('duplicate', 10, 'sent twice'),
  share('reorder', 1, 'sent after the next one'),
  share('reorder', 10, 'sent after the next one'),
  engineRestart('same', 'hashes as before (fixed seed)'),
  engineRestart('fresh', 'other hashes (random seed)'),
  {
    id: 'engine-restart-stalled',
    fault: 'engine restarted while its events stall, which goes on for 5 s',
    settles: 'exact',
    strike: async (control) => {
      await control.stall();
      await control.restartEngine('same');
      await control.until(({ restarts, state }) => restarts > 0 && state === 'live');
      await control.lasting({ turns: 20, ms: 5_000 });
      await control.mend();
    },
  },
  {
    id: 'engine-restart-unseen',
    fault: 'engine without replay restarted while its events are lost, until its numbers are beyond the old ones',
    engine: { replayAddress: null },
    settles: 'degraded',
    strike: async (control) => {
      await control.strikeBatches('drop', { batches: Number.POSITIVE_INFINITY });
      await control.restartEngine('same');
      // By the engine's metrics alone.
      await control.until(({ restarts }) => restarts > 0);
      await control.lasting({ turns: 30, ms: 5_000 });
      await control.mend();
      await control.workElsewhere();
    },
  },
  {
    id: 'engine-away',
    fault: 'engine killed, gone until its stream is stale, then started again',
    settles: 'exact',
    strike: async (control) => {
      await control.killEngine();
      await control.until(({ state }) => state === 'stale');
      await control.startEngine();
      await control.lasting({ turns: 20, ms: 5_000 });
    },
  },
  {
    id: 'sidecar-restart',
    fault: 'sidecar restarted under load',
    settles: 'exact',
    strike: async (control) => {
      await control.restartSidecar();
      await control.lasting({ turns: 20, ms: 5_000 });
    },
  },
  {
    id: 'replay-short',
    fault: '60 batches dropped, replay buffer of 20',
    engine: { replayBatches: 20 },
    // A check while batches are being dropped would fetch them in time.
    timing: { quietCheckMs: 5_000 },
    settles: 'degraded',
    strike: async (control) => {
      await control.strikeBatches('drop', { batches: 60 });
      await control.until(({ batchesLost }) => batchesLost > 0);
      await control.mend();
    },
  },
  {
    id: 'replay-none',
    fault: '3 batches dropped, engine without replay',
    engine: { replayAddress: null },
    settles: 'degraded',
    strike: async (control) => {
      await control.strikeBatches('drop', { batches: 3 });
      await control.until(({ batchesLost }) => batchesLost > 0);
      await control.mend();
    },
  },
  brokenReplay('absent', 'is closed'),
  brokenReplay('silent', 'is silent'),
  brokenReplay('garbage', 'answers garbage'),
  brokenReplay('truncated', 'breaks off half-way'),
  {
    id: 'stalled',
    fault: 'event subscriber stalled 5 s',
    settles: 'exact',
    strike: async (control) => {
      await control.stall();
      await control.lasting({ turns: 40, ms: 5_000 });
      await control.mend();
      await control.lasting({ turns: 5, ms: 1_000 });
    },
  },
  {
    id: 'clear-in-gap',
    fault: 'cache cleared while a gap is open',
    settles: 'exact',
    strike: async (control) => {
      await control.setFaults({ replay: 'silent' });
      await control.strikeBatches('drop', { batches: 3 });
      await control.until(({ state }) => state === 'gap' || state === 'replaying');
      await control.resetCache();
      await control.lasting({ turns: 5, ms: 500 });
      await control.mend();
    },
  },
  {
    id: 'many-endpoints',
    fault: '64 endpoints with history joined at once by a sidecar that starts',
    engines: 64,
    settles: 'exact',
    strike: async (control) => {
      await control.restartSidecar();
      await control.lasting({ turns: 20, ms: 5_000 });
    },
  },
];
