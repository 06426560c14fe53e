import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FreeList } from '../../../sidecar/simulator/free-list.ts';

const capacity = 12;

it('behaves like an array under any order of operations', () => {
  const operation = fc.record({
    kind: fc.constantFrom('append', 'prepend', 'remove', 'take'),
    block: fc.nat(capacity - 1),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const list = new FreeList(capacity);
      let twin: number[] = [];
      for (const { kind, block } of operations) {
        const isListed = twin.includes(block);
        if (kind === 'take') {
          expect(list.takeFirst()).toBe(twin.shift() ?? null);
        } else if (kind === 'remove' && isListed) {
          list.remove(block);
          twin = twin.filter((each) => each !== block);
        } else if (kind === 'append' && !isListed) {
          list.append(block);
          twin.push(block);
        } else if (kind === 'prepend' && !isListed) {
          list.prepend(block);
          twin.unshift(block);
        }
        expect(list.size).toBe(twin.length);
      }
      expect(Array.from(twin, () => list.takeFirst())).toEqual(twin);
      expect(list.takeFirst()).toBeNull();
    }),
  );
});
