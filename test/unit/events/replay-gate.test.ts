import { describe, expect, it } from '@jest/globals';
import { createReplayGate } from '../../../sidecar/events/index.ts';

describe('replay gate', () => {
  it('grants eight at once and the rest in order as slots come free', () => {
    const gate = createReplayGate();
    const granted: number[] = [];
    const releases = Array.from({ length: 10 }, (_, i) => gate.request(() => granted.push(i)));
    expect(granted).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    releases[3]?.();
    expect(granted.at(-1)).toBe(8);
    releases[0]?.();
    expect(granted.at(-1)).toBe(9);
  });

  it('passes over those who gave up waiting', () => {
    const gate = createReplayGate(1);
    const granted: string[] = [];
    const release = gate.request(() => granted.push('a'));
    const leave = gate.request(() => granted.push('b'));
    gate.request(() => granted.push('c'));
    leave();
    release();
    expect(granted).toEqual(['a', 'c']);
  });

  it('takes a slot back once only', () => {
    const gate = createReplayGate(1);
    const granted: string[] = [];
    const release = gate.request(() => granted.push('a'));
    release();
    release();
    gate.request(() => granted.push('b'));
    gate.request(() => granted.push('c'));
    expect(granted).toEqual(['a', 'b']);
  });
});
