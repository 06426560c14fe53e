import { describe, expect, it } from '@jest/globals';
import { sequenceNumber } from '../../../sidecar/core/index.ts';
import { decodeLiveFrame, decodeReplayFrame, encodeReplayRequest } from '../../../sidecar/events/frames.ts';
import { sequenceBytes } from '../../support/event-payloads.ts';
import { readFrames } from '../../support/recorded-frames.ts';

const nothing = Buffer.alloc(0);
const payload = Buffer.of(0x90);
const end = Buffer.alloc(8, 0xff);

describe('live frames', () => {
  it('gives topic, number and payload', () => {
    expect(decodeLiveFrame([Buffer.from('kv@a@m'), sequenceBytes(2 ** 40 + 3), payload])).toEqual({
      topic: 'kv@a@m',
      sequence: 2 ** 40 + 3,
      payload,
    });
  });

  it.each([
    ['two frames', [sequenceBytes(1), payload]],
    ['four frames', [nothing, nothing, sequenceBytes(1), payload]],
    ['a short number', [nothing, Buffer.alloc(7), payload]],
    ['a number beyond 53 bits', [nothing, sequenceBytes(2n ** 53n), payload]],
    ['no frames', []],
  ])('refuses %s', (_, frames) => {
    expect(() => decodeLiveFrame(frames)).toThrow('[malformed-frame]');
  });
});

describe('replay frames', () => {
  it.each([
    ['vLLM up to 0.25', [nothing, sequenceBytes(7), payload]],
    ['later vLLM', [nothing, Buffer.from('topic'), sequenceBytes(7), payload]],
    ['later vLLM with an empty topic', [nothing, nothing, sequenceBytes(7), payload]],
    ['a server that leaves the delimiter out', [sequenceBytes(7), payload]],
  ])('reads a batch from %s', (_, frames) => {
    expect(decodeReplayFrame(frames)).toEqual({ kind: 'batch', sequence: 7, payload });
  });

  it.each([
    ['vLLM up to 0.25', [nothing, end, nothing]],
    ['later vLLM', [nothing, nothing, end, nothing]],
    ['a server that leaves the delimiter out', [end, nothing]],
  ])('knows the end mark of %s', (_, frames) => {
    expect(decodeReplayFrame(frames)).toEqual({ kind: 'end' });
  });

  it.each([
    ['one frame', [payload]],
    ['five frames', [nothing, nothing, nothing, sequenceBytes(1), payload]],
    ['a short number', [nothing, Buffer.alloc(3), payload]],
    ['an end number with a payload', [nothing, end, payload]],
  ])('refuses %s', (_, frames) => {
    expect(() => decodeReplayFrame(frames)).toThrow('[malformed-frame]');
  });

  it.each(['v0.23.0-array/f_replay', 'v0.32.0-map/f_replay', 'v0.32.0-map/g_restart_replay', 'v0.32.0-map-dp2/dp0'])(
    'reads every reply recorded in %s, in unbroken order',
    (name) => {
      const replies = readFrames(`${name}.replay.jsonl`).map(({ frames }) => decodeReplayFrame(frames));
      let previous: number | null = null;
      for (const reply of replies) {
        if (reply.kind === 'batch' && previous !== null) expect(reply.sequence).toBe(previous + 1);
        previous = reply.kind === 'batch' ? reply.sequence : null;
      }
      expect(replies.at(-1)).toEqual({ kind: 'end' });
    },
  );

  it('asks with an empty frame and 8 bytes, big-endian', () => {
    expect(encodeReplayRequest(sequenceNumber(2 ** 33 + 1))).toEqual([
      new Uint8Array(0),
      Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 1),
    ]);
  });
});
