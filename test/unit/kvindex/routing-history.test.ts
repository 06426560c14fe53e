import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SidecarError } from '../../../sidecar/core/index.ts';
import { type BlockKeys, computeBlockKeys, createRoutingHistory, type Holder } from '../../../sidecar/kvindex/index.ts';
import { plainIdentity, tokens } from '../../support/block-events.ts';

const holder = (number: number): Holder => number as Holder; // stands for a number given out by an index

const keys = (tokenIds: readonly number[] | Int32Array): BlockKeys =>
  computeBlockKeys(Int32Array.from(tokenIds), { blockSize: 1, identity: plainIdentity });

const match = (history: ReturnType<typeof createRoutingHistory>, prompt: BlockKeys): readonly number[] => {
  const into = new Int32Array(2).fill(99);
  history.match(prompt, into);
  return [...into];
};

/** Prefixes of an endpoint, most recently sent first: the same in an array. */
class NaiveHistory {
  #prefixes: string[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  record(prompt: readonly number[]): void {
    const sent = prompt.map((_, at) => prompt.slice(0, at + 1).join()).slice(0, this.#most);
    this.#prefixes = [...sent, ...this.#prefixes.filter((prefix) => !sent.includes(prefix))].slice(0, this.#most);
  }

  match(prompt: readonly number[]): number {
    const unknown = prompt.findIndex((_, at) => !this.#prefixes.includes(prompt.slice(0, at + 1).join()));
    return unknown < 0 ? prompt.length : unknown;
  }
}

/** Records up to `prompts` prompts in histories of up to `most` blocks, and asks for another one after each. */
const expectAgreement = (
  prompt: fc.Arbitrary<readonly number[]>,
  limits: { readonly prompts: number; readonly most: number },
): void => {
  const sent = fc.array(prompt, { maxLength: limits.prompts });
  fc.assert(
    fc.property(sent, prompt, fc.integer({ min: 1, max: limits.most }), (prompts, asked, most) => {
      const history = createRoutingHistory({ maxBlocksPerHolder: most });
      const naive = new NaiveHistory(most);
      for (const one of prompts) {
        history.record(holder(0), keys(one));
        naive.record(one);
        expect(match(history, keys(asked))[0]).toBe(naive.match(asked));
      }
    }),
  );
};

describe('routing history', () => {
  it('gives the blocks that were sent to each holder', () => {
    const history = createRoutingHistory();
    history.record(holder(0), keys([1, 2, 3]));
    history.record(holder(1), keys([1, 2, 4, 5]));
    expect(match(history, keys([1, 2, 4]))).toEqual([2, 3]);
    expect(match(history, keys([7]))).toEqual([0, 0]);
    expect(match(history, keys([]))).toEqual([0, 0]);
  });

  it('forgets a holder', () => {
    const history = createRoutingHistory();
    history.record(holder(0), keys([1]));
    history.forget(holder(0));
    history.forget(holder(1));
    expect(match(history, keys([1]))).toEqual([0, 0]);
    expect(history.bytes).toBe(0);
  });

  it('leaves holders beyond the result array out', () => {
    const history = createRoutingHistory();
    history.record(holder(5), keys([1]));
    expect(match(history, keys([1]))).toEqual([0, 0]);
  });

  it('forgets the ends of what was sent longest ago first', () => {
    const history = createRoutingHistory({ maxBlocksPerHolder: 4 });
    history.record(holder(0), keys([1, 2, 3]));
    history.record(holder(0), keys([1, 8, 9]));
    expect(match(history, keys([1, 8, 9]))).toEqual([3, 0]);
    expect(match(history, keys([1, 2, 3]))).toEqual([2, 0]);
  });

  it('keeps the beginning of a prompt longer than its room', () => {
    const history = createRoutingHistory({ maxBlocksPerHolder: 10 });
    history.record(holder(0), keys(tokens(25)));
    expect(match(history, keys(tokens(25)))).toEqual([10, 0]);
  });

  it('agrees with a plain list of prefixes', () => {
    const prompt = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 6 });
    expectAgreement(prompt, { prompts: 30, most: 12 });
  });

  it('agrees with a plain list for long prompts that go on, end early and part', () => {
    const run = fc.record({ token: fc.integer({ min: 1, max: 2 }), blocks: fc.constantFrom(1, 3, 31, 32, 33, 40) });
    const prompt = fc
      .array(run, { minLength: 1, maxLength: 3 })
      .map((runs) => runs.flatMap(({ token, blocks }) => Array.from({ length: blocks }, () => token)));
    expectAgreement(prompt, { prompts: 12, most: 250 });
  });

  it('keeps to its memory where no two prompts begin alike', () => {
    const history = createRoutingHistory();
    for (let prompt = 1; prompt <= 20_000; prompt += 1) history.record(holder(0), keys([prompt]));
    expect(match(history, keys([20_000]))).toEqual([1, 0]);
    expect(match(history, keys([1]))).toEqual([0, 0]);
    expect(history.bytes).toBeLessThan(2_500_000);
  });

  it('holds thousands of blocks in the memory it reports', () => {
    const history = createRoutingHistory();
    for (let prompt = 0; prompt < 100; prompt += 1) history.record(holder(0), keys(tokens(500, prompt * 1000)));
    expect(match(history, keys(tokens(500, 99_000)))).toEqual([500, 0]);
    expect(match(history, keys(tokens(500)))).toEqual([0, 0]);
    expect(history.bytes).toBeLessThan(800_000);
  });

  it.each([0, -1, 2.5, 1e9])('refuses room for %p blocks', (maxBlocksPerHolder) => {
    expect(() => createRoutingHistory({ maxBlocksPerHolder })).toThrow(SidecarError);
  });
});
