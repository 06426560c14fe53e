import { describe, expect, it } from '@jest/globals';
import {
  decisionId,
  delay,
  endpointId,
  modelName,
  poolName,
  sequenceNumber,
  systemClock,
} from '../../../sidecar/core/index.ts';

describe('ids', () => {
  it.each([endpointId, poolName, modelName, decisionId])('take 1 to 1024 characters', (create) => {
    expect(create('a')).toBe('a');
    expect(create('x'.repeat(1024))).toHaveLength(1024);
    for (const wrong of ['', 'x'.repeat(1025)]) {
      expect(() => create(wrong)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    }
  });

  it('take sequence numbers that are safe integers from 0', () => {
    expect(sequenceNumber(0)).toBe(0);
    for (const wrong of [-1, 0.5, 2 ** 53, Number.NaN]) {
      expect(() => sequenceNumber(wrong)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    }
  });
});

describe('delay', () => {
  it('ends with the reason of a signal that is or becomes aborted', async () => {
    const aborting = new AbortController();
    const waiting = delay(systemClock, 60_000, aborting.signal);
    aborting.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(delay(systemClock, 60_000, aborting.signal)).rejects.toThrow('enough');
  });
});
