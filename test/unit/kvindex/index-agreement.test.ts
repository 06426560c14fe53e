import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createNaivePrefixIndex, createPrefixIndex } from '../../../sidecar/kvindex/index.ts';
import { CommandedIndex, commandHistories } from '../../support/index-commands.ts';

const exhaust = (steps: Iterable<void>): void => {
  for (const _ of steps);
};

describe('arena and naive prefix index', () => {
  it('answer alike after any history of events on several endpoints', () => {
    fc.assert(
      fc.property(commandHistories, (commands) => {
        const naive = new CommandedIndex(createNaivePrefixIndex());
        const arena = new CommandedIndex(createPrefixIndex());
        const answers = (index: CommandedIndex) =>
          commands.map((command) => [index.run(command), index.index.stats().blocks]);
        expect(answers(arena)).toEqual(answers(naive));
        expect(arena.observe()).toEqual(naive.observe());
      }),
      { numRuns: 200 },
    );
  });

  it('answer alike when one is a dump of the other, taken while events came in', () => {
    fc.assert(
      fc.property(commandHistories, commandHistories, commandHistories, (before, during, after) => {
        const naive = new CommandedIndex(createNaivePrefixIndex());
        const original = new CommandedIndex(createPrefixIndex());
        const copy = new CommandedIndex(createPrefixIndex());
        const run = (commands: typeof before) => {
          expect(commands.map((command) => original.run(command))).toEqual(
            commands.map((command) => naive.run(command)),
          );
        };
        run(before);
        const queue = during.filter(({ kind }) => kind === 'store' || kind === 'remove');
        for (const endpoint of original.endpoints) {
          const pieces: Uint8Array[] = [];
          let sinceLastPiece: typeof before = [];
          for (const piece of original.index.dumpHolder(original.holder(endpoint))) {
            pieces.push(piece);
            sinceLastPiece = queue.splice(0, 2).filter((command) => command.endpoint === endpoint);
            run(sinceLastPiece);
          }
          exhaust(copy.index.loadHolder(copy.holder(endpoint), Buffer.concat(pieces)));
          for (const command of sinceLastPiece) copy.run(command);
        }
        expect(copy.observe()).toEqual(naive.observe());
        expect(after.map((command) => copy.run(command))).toEqual(after.map((command) => naive.run(command)));
        expect(copy.observe()).toEqual(naive.observe());
      }),
      { numRuns: 100 },
    );
  });
});
