import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type EngineKind, SidecarError } from '../../sidecar/core/index.ts';
import { engineAdapters } from '../../sidecar/events/index.ts';
import { batchOf, pack } from '../support/event-payloads.ts';

/** How an engine family writes what every adapter must read. */
export interface EngineDialect {
  readonly engine: EngineKind;
  /** A stored event as this family writes it. */
  stored(event: {
    readonly hashes: readonly bigint[];
    readonly parent: bigint | null;
    readonly tokens: readonly number[];
    readonly blockSize: number;
    readonly salt: string | null;
  }): unknown;
  removed(hashes: readonly bigint[]): unknown;
  cleared(): unknown;
}

const signed = (hash: bigint): bigint => BigInt.asIntN(64, hash);
const pairs = (hashes: readonly bigint[]): Int32Array =>
  Int32Array.from(hashes.flatMap((hash) => [Number(BigInt.asIntN(32, hash)), Number(signed(hash) >> 32n)]));

const hash = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const chain = fc
  .record({
    hashes: fc.array(hash, { minLength: 1, maxLength: 20 }),
    parent: fc.option(hash),
    blockSize: fc.integer({ min: 1, max: 64 }),
    salt: fc.option(fc.string({ minLength: 1 })),
    token: fc.nat(2 ** 31 - 1),
  })
  .map(({ token, ...rest }) => ({
    ...rest,
    tokens: Array.from({ length: rest.hashes.length * rest.blockSize }, (_, i) => (token + i * 7919) % 2 ** 31),
  }));

/** What every engine adapter promises. */
export const describeEngineAdapter = (dialect: EngineDialect): void => {
  const adapter = engineAdapters[dialect.engine];

  describe(`engine adapter ${dialect.engine}`, () => {
    it('is registered under its own name', () => {
      expect(adapter.engine).toBe(dialect.engine);
    });

    it('reads any stored event as it was written', () => {
      fc.assert(
        fc.property(chain, (event) => {
          const [decoded] = adapter.decode(batchOf([dialect.stored(event)])).events;
          const isSalted = event.salt !== null && event.parent === null;
          expect(decoded).toEqual({
            kind: 'block-stored',
            engineKeys: pairs(event.hashes),
            parent: event.parent === null ? null : { lo: pairs([event.parent])[0], hi: pairs([event.parent])[1] },
            tokenIds: Int32Array.from(event.tokens),
            blockSize: event.blockSize,
            loraName: null,
            extras: isSalted ? event.hashes.map((_, block) => (block === 0 ? [event.salt] : null)) : null,
            medium: 'GPU',
            group: 0,
            attentionKind: null,
          });
        }),
        { numRuns: 200 },
      );
    });

    it('reads removals and clears, in order', () => {
      const hashes = [0n, 1n, 2n ** 64n - 1n];
      expect(adapter.decode(batchOf([dialect.removed(hashes), dialect.cleared()])).events).toEqual([
        { kind: 'block-removed', engineKeys: pairs(hashes), medium: 'GPU', group: 0 },
        { kind: 'all-blocks-cleared' },
      ]);
    });

    it('reads timestamp and rank, and peeks the same', () => {
      const payload = batchOf([dialect.cleared()], { atSeconds: 1_790_000_000.25, rank: 3 });
      expect(adapter.decode(payload)).toMatchObject({ timestampSeconds: 1_790_000_000.25, rank: 3 });
      expect(adapter.peek(payload)).toEqual({ timestampSeconds: 1_790_000_000.25, rank: 3 });
    });

    it('steps over events it does not know', () => {
      const batch = adapter.decode(batchOf([['Later', 1, { a: [2] }], dialect.cleared(), { type: 'Newer', x: null }]));
      expect(batch).toMatchObject({ events: [{ kind: 'all-blocks-cleared' }], skippedEvents: 2 });
    });

    it('does not keep the payload: events outlive a buffer that is used again', () => {
      const payload = batchOf([dialect.removed([42n])]);
      const [event] = adapter.decode(payload).events;
      payload.fill(0);
      expect(event).toMatchObject({ engineKeys: pairs([42n]) });
    });

    it('reads a payload that lies within a larger buffer', () => {
      const payload = batchOf([dialect.removed([42n])]);
      const larger = Buffer.concat([Buffer.alloc(5, 0xff), payload, Buffer.alloc(5, 0xff)]);
      const [event] = adapter.decode(larger.subarray(5, 5 + payload.length)).events;
      expect(event).toMatchObject({ engineKeys: pairs([42n]) });
    });

    it.each([
      ['nothing', new Uint8Array(0)],
      ['no batch', pack('x')],
      ['half a batch', batchOf([dialect.removed([1n, 2n, 3n])]).subarray(0, 20)],
    ])('refuses %s as malformed-frame', (_, payload) => {
      expect.assertions(2);
      try {
        adapter.decode(payload);
      } catch (failure) {
        expect(failure).toBeInstanceOf(SidecarError);
        expect(failure).toMatchObject({ code: 'malformed-frame' });
      }
    });
  });
};
