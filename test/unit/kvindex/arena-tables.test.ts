import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { seededRandom } from '../../../sidecar/core/index.ts';
import { EngineKeyTable } from '../../../sidecar/kvindex/arena/engine-key-table.ts';
import { IdTable } from '../../../sidecar/kvindex/arena/id-table.ts';
import { NodeArena } from '../../../sidecar/kvindex/arena/node-arena.ts';
import { RecordPages } from '../../../sidecar/kvindex/arena/record-pages.ts';
import { ShelfSets } from '../../../sidecar/kvindex/arena/shelf-sets.ts';

const randomInteger = (random: () => number): number => Math.floor(random() * 2 ** 32) | 0;

describe('id table', () => {
  it('agrees with a Map through growth, splits and deletions', () => {
    const random = seededRandom(1);
    const records = new RecordPages(4);
    const table = new IdTable(records);
    const alive = new Map<number, readonly [lo: number, hi: number]>();
    for (let id = 1; id <= 60_000; id += 1) {
      records.ensure(id);
      const key = [randomInteger(random), randomInteger(random)] as const;
      records.set(id, 0, key[0]);
      records.set(id, 1, key[1]);
      table.insert(id);
      alive.set(id, key);
      const victim = 1 + Math.floor(random() * id);
      if (random() < 0.4 && alive.has(victim)) {
        table.delete(victim);
        alive.delete(victim);
      }
    }
    let wrong = 0;
    for (let id = 1; id <= 60_000; id += 1) {
      const found = table.find(records.get(id, 0), records.get(id, 1));
      if (found !== (alive.has(id) ? id : 0)) wrong += 1;
    }
    expect(wrong).toBe(0);
    expect(table.bytes / alive.size).toBeLessThan(16);
  });
});

describe('engine-key table', () => {
  it.each([
    ['random', (number: number) => [Math.imul(number, 0x9e3779b1) | 0, Math.imul(number, 0x85ebca77) | 0]],
    ['consecutive', (number: number) => [number, 0]],
    ['high halves only', (number: number) => [0, number]],
  ] as const)('agrees with a Map for %s engine keys', (_, keyOf) => {
    const random = seededRandom(2);
    const table = new EngineKeyTable();
    const alive = new Map<number, { node: number; count: number }>();
    for (let step = 1; step <= 60_000; step += 1) {
      const number = 1 + Math.floor(random() * 40_000);
      const [lo = 0, hi = 0] = keyOf(number);
      const node = table.find(lo, hi);
      if (node === 0) {
        table.insert({ lo, hi, node: step }, 1);
        alive.set(number, { node: step, count: 1 });
      } else if (random() < 0.5) {
        table.count += 1;
        alive.set(number, { node, count: (alive.get(number)?.count ?? 0) + 1 });
      } else {
        table.delete();
        alive.delete(number);
      }
    }
    const found = new Map<number, { node: number; count: number }>();
    for (let number = 1; number <= 40_000; number += 1) {
      const [lo = 0, hi = 0] = keyOf(number);
      const node = table.find(lo, hi);
      if (node !== 0) found.set(number, { node, count: table.count });
    }
    expect(found).toEqual(alive);
    expect(table.entries).toBe(alive.size);
    const listed = table
      .arrays()
      .reduce((sum, array) => sum + array.filter((word, at) => at % 4 === 3 && word > 0).length, 0);
    expect(listed).toBe(alive.size);
    expect(table.bytes / alive.size).toBeLessThan(40);
  });
});

describe('shelf sets', () => {
  it('give equal sets one number, count them by their nodes and use numbers again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ node: fc.nat(5), shelf: fc.nat(40) }), { maxLength: 120 }),
        fc.integer(),
        (changes, seed) => {
          const sets = new ShelfSets(seededRandom(seed));
          const nodes = Array.from({ length: 6 }, () => ({ set: 0, members: new Set<number>() }));
          for (const { node: number, shelf } of changes) {
            const node = nodes[number];
            if (node === undefined) continue;
            expect(sets.has(node.set, shelf)).toBe(node.members.has(shelf));
            node.set = sets.toggle(node.set, shelf);
            if (!node.members.delete(shelf)) node.members.add(shelf);
          }
          const byContent = new Map<string, number>();
          for (const { set, members } of nodes) {
            const start = sets.start(set);
            const listed = [...sets.members.subarray(start, start + sets.size(set))];
            expect(listed).toEqual([...members].sort((a, b) => a - b));
            expect(byContent.get(listed.join()) ?? set).toBe(set);
            byContent.set(listed.join(), set);
          }
          expect(sets.live).toBe([...byContent.values()].filter((set) => set !== 0).length);
        },
      ),
    );
  });
});

describe('shelf sets that no node has any more', () => {
  it('are made anew when they are needed again', () => {
    const sets = new ShelfSets(seededRandom(1));
    const first = sets.toggle(0, 5);
    sets.release(first);
    expect(sets.live).toBe(0);
    const again = sets.toggle(0, 5);
    expect(sets.has(again, 5)).toBe(true);
    expect(sets.live).toBe(1);
  });
});

describe('node arena', () => {
  const block = (parent: number) => ({ lo: 1, hi: 1, parent, sizeClass: 1 });

  it('puts a block behind its parent, and leaves room where a chain begins to grow', () => {
    const nodes = new NodeArena();
    const a = nodes.add(block(0), 0);
    const b = nodes.add(block(a), 0);
    const other = nodes.add(block(0), 0);
    expect([a, b, other]).toEqual([1, 2, 3]);
    const grown = nodes.add(block(b), 0);
    const next = nodes.add(block(0), 0);
    expect(next - grown).toBeGreaterThan(1);
    expect(nodes.add(block(grown), 0)).toBe(grown + 1);
  });

  it('fills free nodes before it opens new ones once many are free', () => {
    const nodes = new NodeArena();
    const all = Array.from({ length: 100_000 }, () => nodes.add(block(0), 0));
    for (const node of all) if (node % 2 === 0) nodes.free(node);
    const { end, live } = nodes;
    const again = new Set(Array.from({ length: 10_000 }, () => nodes.add(block(0), 0)));
    expect(again.size).toBe(10_000);
    expect(nodes.end).toBe(end);
    expect(nodes.live).toBe(live + 10_000);
    for (let added = 0; added < 100_000; added += 1) nodes.add(block(0), 0);
    expect(nodes.end).toBeLessThan(nodes.live * 1.18 + 16_384);
  });
});
