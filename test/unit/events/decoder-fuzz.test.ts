import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type EngineKind, SidecarError } from '../../../sidecar/core/index.ts';
import { decodeLiveFrame, decodeReplayFrame } from '../../../sidecar/events/frames.ts';
import { engineAdapters } from '../../../sidecar/events/index.ts';
import { readFrames } from '../../support/recorded-frames.ts';
import { createStreamHarness } from '../../support/stream-harness.ts';

const recorded: readonly Buffer[] = ['v0.23.0-array', 'v0.32.0-map'].flatMap((folder) =>
  readdirSync(new URL(`../../fixtures/vllm/${folder}`, import.meta.url))
    .filter((file) => file.endsWith('.events.jsonl'))
    .flatMap((file) => readFrames(`${folder}/${file}`).map(({ frames }) => frames.at(-1) ?? Buffer.alloc(0))),
);

/** A recorded payload with some bytes changed, cut out or put in. */
const mutated = fc
  .record({
    payload: fc.constantFrom(...recorded),
    edits: fc.array(
      fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), cut: fc.nat(6), insert: fc.nat(3) }),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
  })
  .map(({ payload, edits }) => {
    let bytes = Buffer.from(payload);
    for (const { at, byte, cut, insert } of edits) {
      const from = at % (bytes.length + 1);
      bytes = Buffer.concat([bytes.subarray(0, from), Buffer.alloc(insert, byte), bytes.subarray(from + cut)]);
      if (bytes.length > 0) bytes[from % bytes.length] = byte;
    }
    return bytes;
  });

const failureOf = (action: () => unknown): unknown => {
  try {
    action();
    return null;
  } catch (failure) {
    return failure;
  }
};
/** Fails with what was thrown, unless it is nothing or malformed-frame; an `expect` a payload would take most of the time. */
const expectOnlyMalformed = (failure: unknown): void => {
  if (failure !== null && !(failure instanceof SidecarError && failure.code === 'malformed-frame')) throw failure;
};

describe('decoders on bytes from anywhere', () => {
  it.each<[EngineKind, string, fc.Arbitrary<Uint8Array>]>([
    ['vllm', 'random buffers', fc.uint8Array({ maxLength: 200 })],
    ['vllm', 'mutated recordings', mutated],
    ['sglang', 'random buffers', fc.uint8Array({ maxLength: 200 })],
    ['sglang', 'mutated recordings', mutated],
  ])('%s: give a batch or malformed-frame for 10,000 %s, and peek agrees with decode', (engine, _, payloads) => {
    const adapter = engineAdapters[engine];
    fc.assert(
      fc.property(payloads, (payload) => {
        const failure = failureOf(() => adapter.decode(payload));
        expectOnlyMalformed(failure);
        const peekFailure = failureOf(() => adapter.peek(payload));
        expectOnlyMalformed(peekFailure);
        if (failure !== null) return;
        const batch = adapter.decode(payload);
        const head = adapter.peek(payload);
        if (head.timestampSeconds !== batch.timestampSeconds || head.rank !== batch.rank) expect(head).toEqual(batch);
      }),
      { numRuns: 10_000 },
    );
  });

  it('give a frame or malformed-frame for 10,000 messages of random frames', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 6 }), (frames) => {
        expectOnlyMalformed(failureOf(() => decodeLiveFrame(frames)));
        expectOnlyMalformed(failureOf(() => decodeReplayFrame(frames)));
      }),
      { numRuns: 10_000 },
    );
  });

  it('never leave a stream half way: a refused payload changes nothing', () => {
    fc.assert(
      fc.property(mutated, fc.boolean(), (payload, hasReplay) => {
        const harness = createStreamHarness({ hasReplay });
        harness.stream.connected();
        const isRefused = failureOf(() => engineAdapters.vllm.decode(payload)) !== null;
        harness.stream.receive([Buffer.alloc(0), Buffer.alloc(8), payload]);
        if (!isRefused) return;
        expect(harness.index.contents(harness.endpoint).size).toBe(0);
        expect(harness.events).toEqual([]);
        expect(harness.stream.report().malformedFrames).toBe(1);
      }),
      { numRuns: 1_000 },
    );
  });
});
