import { describe, expect, it } from '@jest/globals';
import { type Expectation, type MissReason, sampleOf } from '../../../sidecar/routing/audit-sample.ts';
import { AuditWindow } from '../../../sidecar/routing/audit-window.ts';

const expected = (changes: Partial<Expectation> = {}): Expectation & { readonly cachedTokens: number } => ({
  api: 'chat',
  promptTokens: 200,
  blockSize: 16,
  isFirm: true,
  isPromised: false,
  isSalted: false,
  servesModel: () => true,
  ...changes,
  cachedTokens: changes.cachedTokens ?? 160,
});

describe('why a prediction missed', () => {
  it.each<[string, MissReason | null, Partial<Expectation>, { actual: number; promptTokens: number }]>([
    ['it did not', null, {}, { actual: 160, promptTokens: 200 }],
    ['another model', 'other-model', { servesModel: () => false }, { actual: 0, promptTokens: 190 }],
    ['other tokens, though as many cached', 'prompt-tokens', {}, { actual: 160, promptTokens: 201 }],
    ['no whole blocks', 'block-size', {}, { actual: 100, promptTokens: 200 }],
    ['history that was missing', 'untrusted', { isFirm: false }, { actual: 96, promptTokens: 200 }],
    ['a block that was promised', 'promised', { isPromised: true }, { actual: 96, promptTokens: 200 }],
    ['more than was promised', 'unexplained', { isPromised: true }, { actual: 176, promptTokens: 200 }],
    ['a salt', 'salted', { isSalted: true }, { actual: 0, promptTokens: 200 }],
    ['nothing that is known', 'unexplained', { servesModel: () => null }, { actual: 0, promptTokens: 200 }],
    ['a prompt that was not counted', 'unexplained', { promptTokens: null }, { actual: 0, promptTokens: 200 }],
  ])('%s: %s', (_, reason, changes, observed) => {
    expect(sampleOf(expected(changes), observed).missReason).toBe(reason);
  });
});

const right = sampleOf(expected(), { actual: 160, promptTokens: 200 });
const lost = sampleOf(expected(), { actual: 0, promptTokens: 200 });

/** A window with so many samples of each kind, in turn. */
const windowOf = (...rows: readonly (readonly [count: number, sample: typeof right])[]): AuditWindow => {
  const window = new AuditWindow();
  for (const [count, sample] of rows) for (let i = 0; i < count; i += 1) window.add(sample, 0);
  return window;
};

describe('drift', () => {
  it('is not made by a single late event, nor by a few', () => {
    expect(windowOf([20, right], [1, lost]).drift(0)).toBeNull();
    expect(windowOf([3, lost]).drift(0)).toBeNull();
    expect(windowOf([16, right], [4, lost]).drift(0)).toBeNull();
    expect(windowOf([11, lost]).drift(0)).toBeNull();
  });

  it('is made by a quarter of the predictions that misses a quarter of the tokens', () => {
    expect(windowOf([9, right], [3, lost]).drift(0)).toBeNull();
    expect(windowOf([12, right], [4, lost]).drift(0)).toEqual({ cause: 'lost-events', missingShare: 0.25 });
    const little = sampleOf(expected(), { actual: 144, promptTokens: 200 });
    expect(windowOf([20, little]).drift(0)).toBeNull();
  });

  it.each([
    ['tokenization', sampleOf(expected(), { actual: 160, promptTokens: 201 })],
    ['block-size', sampleOf(expected(), { actual: 100, promptTokens: 200 })],
    ['other-model', sampleOf(expected({ servesModel: () => false }), { actual: 0, promptTokens: 200 })],
    ['salt', sampleOf(expected({ isSalted: true }), { actual: 0, promptTokens: 200 })],
    ['lost-events', lost],
  ] as const)('names %s as its likely cause', (cause, sample) => {
    expect(windowOf([12, right], [12, sample]).drift(0)?.cause).toBe(cause);
  });

  it('is seen among salted requests where they are few', () => {
    const salted = sampleOf(expected({ cachedTokens: 0, isSalted: true }), { actual: 160, promptTokens: 200 });
    expect(windowOf([50, right], [12, salted]).drift(0)).toMatchObject({ cause: 'salt' });
  });

  it('ends once the newest sixteen are right but for one', () => {
    const window = windowOf([30, lost], [14, right]);
    expect(window.drift(0)).not.toBeNull();
    window.add(right, 0);
    expect(window.drift(0)).toBeNull();
  });

  it('ends under constant eviction, which makes one prediction in twelve miss', () => {
    const window = windowOf([30, lost]);
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 11; i += 1) window.add(right, 0);
      window.add(lost, 0);
    }
    expect(window.drift(0)).toBeNull();
  });

  it('goes on while a fifth of the predictions miss, and begins again only at a quarter', () => {
    const window = windowOf([30, lost]);
    const addFifths = (rounds: number): void => {
      for (let round = 0; round < rounds; round += 1) {
        for (let i = 0; i < 4; i += 1) window.add(right, 0);
        window.add(lost, 0);
      }
    };
    addFifths(12);
    expect(window.drift(0)).not.toBeNull();
    for (let i = 0; i < 16; i += 1) window.add(right, 0);
    expect(window.drift(0)).toBeNull();
    addFifths(12);
    expect(window.drift(0)).toBeNull();
  });

  it('ends ten minutes after the last of what was seen', () => {
    const window = windowOf([30, lost]);
    expect(window.drift(600_000)).not.toBeNull();
    expect(window.drift(600_001)).toBeNull();
  });
});
