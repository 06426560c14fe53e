import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { endpointId, SidecarError } from '../../../sidecar/core/index.ts';
import {
  type BlockExtra,
  type BlockKeys,
  computeBlockKeys,
  createBlockKeyBuffer,
  createPrefixIndex,
  type MultimodalForm,
  type PromptIdentity,
  processKeySeed,
  randomKeySeed,
} from '../../../sidecar/kvindex/index.ts';
import { plainIdentity, stored, tokens } from '../../support/block-events.ts';

const hexKeys = ({ count, hi, lo }: BlockKeys): readonly string[] =>
  Array.from({ length: count }, (_, block) =>
    [hi[block] ?? 0, lo[block] ?? 0].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join(''),
  );

/** What vLLM puts into `extra_keys` for each block of a prompt, by the rules of its `generate_block_hash_extra_keys`. */
const engineExtras = (
  identity: PromptIdentity,
  blocks: { readonly count: number; readonly size: number; readonly form: MultimodalForm },
): readonly (readonly BlockExtra[] | null)[] =>
  Array.from({ length: blocks.count }, (_, block) => {
    const start = block * blocks.size;
    const items = identity.multimodal.filter(
      ({ offset, length }) => offset < start + blocks.size && offset + length > start,
    );
    const extras: BlockExtra[] = items.map(({ identifier, offset }) =>
      blocks.form === 'identifier' ? identifier : [identifier, offset - start],
    );
    if (block === 0 && identity.salt !== null) extras.push(identity.salt);
    return extras.length === 0 ? null : extras;
  });

const identities: fc.Arbitrary<PromptIdentity> = fc.record({
  loraName: fc.option(fc.constantFrom('a', 'b')),
  salt: fc.option(fc.constantFrom('', 's', 'salt')),
  multimodal: fc
    .array(
      fc.record({ identifier: fc.constantFrom('x', 'y', 's'), gap: fc.nat(6), length: fc.integer({ min: 1, max: 9 }) }),
      {
        maxLength: 3,
      },
    )
    .map((items) => {
      let end = 0;
      return items.map(({ identifier, gap, length }) => {
        const offset = end + gap;
        end = offset + length;
        return { identifier, offset, length };
      });
    }),
});
const forms = fc.constantFrom<MultimodalForm>('identifier-and-offset', 'identifier');
const prompts = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 40 }).map((ids) => Int32Array.from(ids));

/** Blocks matched of a prompt after an engine stored exactly another one. */
const matchedAfter = (
  event: {
    readonly tokenIds: Int32Array;
    readonly identity: PromptIdentity;
    readonly blockSize: number;
    readonly form: MultimodalForm;
  },
  keys: BlockKeys,
): number => {
  const index = createPrefixIndex();
  const holder = index.addHolder(endpointId('pool/a'));
  const count = Math.floor(event.tokenIds.length / event.blockSize);
  index.store(
    holder,
    stored({
      keys: Array.from({ length: count }, (_, block) => block + 1),
      tokenIds: event.tokenIds.subarray(0, count * event.blockSize),
      blockSize: event.blockSize,
      extras: engineExtras(event.identity, { count, size: event.blockSize, form: event.form }),
      ...(event.identity.loraName === null ? {} : { loraName: event.identity.loraName }),
    }),
  );
  const into = new Int32Array(1);
  index.match(keys, into);
  return into[0] ?? -1;
};

describe('block keys', () => {
  it('are equal for events and prompts exactly as far as the engine’s identity is equal', () => {
    const sides = fc.record({ tokenIds: prompts, identity: identities });
    fc.assert(
      fc.property(
        sides,
        sides,
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        forms,
        (event, other, same, blockSize, form) => {
          const request = same ? event : { ...other, tokenIds: event.tokenIds };
          const keys = computeBlockKeys(request.tokenIds, {
            blockSize,
            identity: request.identity,
            multimodalForm: form,
          });
          const extrasOf = (identity: PromptIdentity) =>
            engineExtras(identity, { count: keys.count, size: blockSize, form }).map((extras) =>
              JSON.stringify(extras),
            );
          const ours = extrasOf(request.identity);
          const engines = extrasOf(event.identity);
          const differing = ours.findIndex((extras, block) => extras !== engines[block]);
          const equalBlocks = differing < 0 ? keys.count : differing;
          const expected = request.identity.loraName === event.identity.loraName ? equalBlocks : 0;
          expect(matchedAfter({ ...event, blockSize, form }, keys)).toBe(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each([1, 2, 3, 5, 16, 127, 784, 8192])('cover full blocks of %i tokens only', (blockSize) => {
    const options = { blockSize, identity: plainIdentity };
    expect(computeBlockKeys(tokens(blockSize - 1), options).count).toBe(0);
    const keys = hexKeys(computeBlockKeys(tokens(3 * blockSize + blockSize - 1), options));
    expect(keys).toHaveLength(3);
    expect(keys).toEqual(hexKeys(computeBlockKeys(tokens(3 * blockSize), options)));
  });

  it('depend on every token of the block and of all blocks before it', () => {
    const blockSize = 7;
    const original = hexKeys(computeBlockKeys(tokens(21), { blockSize, identity: plainIdentity }));
    for (let position = 0; position < 21; position += 1) {
      const changed = tokens(21);
      changed[position] = 9999;
      const keys = hexKeys(computeBlockKeys(changed, { blockSize, identity: plainIdentity }));
      const firstChanged = Math.floor(position / blockSize);
      expect(keys.map((key, block) => key === original[block])).toEqual([0, 1, 2].map((block) => block < firstChanged));
    }
  });

  it('differ by block size, LoRA name, salt and seed, and an empty name is not no name', () => {
    const variants = [
      { blockSize: 4, identity: plainIdentity },
      { blockSize: 2, identity: plainIdentity },
      { blockSize: 4, identity: { ...plainIdentity, loraName: '' } },
      { blockSize: 4, identity: { ...plainIdentity, loraName: 'a' } },
      { blockSize: 4, identity: { ...plainIdentity, salt: '' } },
      { blockSize: 4, identity: { ...plainIdentity, salt: 'a' } },
      { blockSize: 4, identity: plainIdentity, seed: { lo: 1, hi: 2 } },
      { blockSize: 4, identity: plainIdentity, seed: { lo: 2, hi: 1 } },
    ];
    const keys = variants.map((options) => hexKeys(computeBlockKeys(tokens(4), options))[0]);
    expect(new Set(keys).size).toBe(variants.length);
  });

  it('never match blocks of prompt embeddings', () => {
    const index = createPrefixIndex();
    const holder = index.addHolder(endpointId('pool/a'));
    index.store(
      holder,
      stored({ keys: [1, 2], tokenIds: [0, 0, 0, 0, 0, 0, 0, 0], extras: [[new Uint8Array(32)], null] }),
    );
    expect(index.blocksOf(holder)).toBe(2);
    const into = new Int32Array(1);
    index.match(computeBlockKeys(new Int32Array(8), { blockSize: 4, identity: plainIdentity }), into);
    expect(into[0]).toBe(0);
  });

  it('are the same when a chain is resumed at any block, with what stands before left alone', () => {
    const identity: PromptIdentity = {
      loraName: 'a',
      salt: 's',
      multimodal: [{ identifier: 'x', offset: 6, length: 20 }],
    };
    const options = { blockSize: 4, identity };
    const whole = computeBlockKeys(tokens(42), options);
    for (let blocks = 1; blocks <= whole.count; blocks += 1) {
      const into = createBlockKeyBuffer();
      computeBlockKeys(tokens(blocks * 4), { ...options, into });
      const resume = { blocks, lo: into.lo[blocks - 1] ?? 0, hi: into.hi[blocks - 1] ?? 0 };
      const resumed = computeBlockKeys(tokens(42).subarray(blocks * 4), { ...options, into, resume });
      expect(hexKeys(resumed)).toEqual(hexKeys(whole));
    }
  });

  it('can be written to the same buffer again and again and stop at a token count', () => {
    const into = createBlockKeyBuffer();
    const options = { blockSize: 4, identity: plainIdentity, into };
    const long = computeBlockKeys(tokens(40), options);
    expect(long.lo).toBe(into.lo);
    const short = computeBlockKeys(tokens(40), { ...options, tokenCount: 11 });
    expect(short.count).toBe(2);
    expect(short.lo).toBe(long.lo);
    expect(computeBlockKeys(tokens(8), { ...options, tokenCount: 99 }).count).toBe(2);
  });

  it.each([0, -16, 1.5, Number.NaN])('are refused for a block size of %p', (blockSize) => {
    expect(() => computeBlockKeys(tokens(4), { blockSize, identity: plainIdentity })).toThrow(SidecarError);
  });

  it('do not collide among 200,000 blocks that differ in two tokens of one lane', () => {
    const tokenIds = new Int32Array(16);
    const seen = new Set<number>();
    const into = createBlockKeyBuffer();
    for (let variant = 0; variant < 200_000; variant += 1) {
      tokenIds[4] = variant % 1000;
      tokenIds[12] = Math.floor(variant / 1000) * 64;
      const { lo, hi } = computeBlockKeys(tokenIds, { blockSize: 16, identity: plainIdentity, into });
      seen.add((hi[0] ?? 0) * 2 ** 21 + ((lo[0] ?? 0) >>> 11));
    }
    expect(seen.size).toBe(200_000);
  });

  it('have a random seed a process', () => {
    expect(randomKeySeed()).not.toEqual(randomKeySeed());
    expect(processKeySeed).not.toEqual({ lo: 0, hi: 0 });
  });
});
