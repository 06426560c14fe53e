import { describe, expect, it } from '@jest/globals';
import { SidecarError } from '../../../../sidecar/core/index.ts';
import { engineAdapters } from '../../../../sidecar/events/index.ts';
import type { BlockStored, KvEvent } from '../../../../sidecar/kvindex/index.ts';
import { batchOf, pack } from '../../../support/event-payloads.ts';

const { vllm } = engineAdapters;
const one = (event: unknown): KvEvent => {
  const { events } = vllm.decode(batchOf([event]));
  const [first] = events;
  if (first === undefined || events.length !== 1) throw new Error(`expected one event, got ${events.length}`);
  return first;
};
const stored = (event: unknown): BlockStored => {
  const decoded = one(event);
  if (decoded.kind !== 'block-stored') throw new Error(`expected block-stored, got ${decoded.kind}`);
  return decoded;
};
const pairs = (...hashes: readonly bigint[]): Int32Array =>
  Int32Array.from(hashes.flatMap((hash) => [Number(BigInt.asIntN(32, hash)), Number(BigInt.asIntN(32, hash >> 32n))]));
const withBytes = (payload: Uint8Array, text: string, byte: number): Uint8Array => {
  const bytes = Buffer.from(payload);
  const at = bytes.indexOf(text);
  return bytes.fill(byte, at, at + text.length);
};
const failureOf = (payload: Uint8Array): unknown => {
  try {
    vllm.decode(payload);
  } catch (failure) {
    return failure;
  }
  return null;
};

describe('vLLM adapter: batches', () => {
  it('reads timestamp, rank and events in order', () => {
    const batch = vllm.decode(
      Buffer.from(
        '93cb41da13b8602000009297ab426c6f636b53746f72656491cfa4c4e0c042550870c0946566676804c0a3475055' +
          '93ac426c6f636b52656d6f766564912aa347505500',
        'hex',
      ),
    );
    expect(batch).toEqual({
      timestampSeconds: 1750000000.5,
      rank: 0,
      events: [
        {
          kind: 'block-stored',
          engineKeys: pairs(11872861634006681712n),
          parent: null,
          tokenIds: Int32Array.of(101, 102, 103, 104),
          blockSize: 4,
          loraName: null,
          extras: null,
          medium: 'GPU',
          group: 0,
          attentionKind: null,
        },
        { kind: 'block-removed', engineKeys: pairs(42n), medium: 'GPU', group: 0 },
      ],
      skippedEvents: 0,
      skippedFields: 0,
    });
  });

  it.each([
    ['without a rank, as before vLLM 0.9.1', [1.5, []], { timestampSeconds: 1.5, rank: null }],
    ['with a null rank', [1, [], null], { timestampSeconds: 1, rank: null }],
    ['with fields to come', [1.5, [], 3, 'more', { a: 1 }], { rank: 3, skippedFields: 2 }],
    ['as a map', { ts: 2.5, events: [], data_parallel_rank: 1 }, { timestampSeconds: 2.5, rank: 1 }],
    [
      'as a map in another order',
      { x: [1], data_parallel_rank: null, events: [], ts: 7 },
      { rank: null, skippedFields: 1 },
    ],
  ])('reads a batch %s', (_, value, expected) => {
    expect(vllm.decode(pack(value))).toMatchObject(expected);
  });

  it.each([
    ['an empty payload', new Uint8Array(0)],
    ['a number', pack(1)],
    ['a batch without events', pack([1.5])],
    ['a map without events', pack({ ts: 1 })],
    ['events that are no array', pack([1.5, 'x', 0])],
    ['a timestamp that is text', pack(['x', [], 0])],
    ['a timestamp that is not finite', pack([Number.NaN, [], 0])],
    ['a rank that is text', pack([1.5, [], 'x'])],
    ['bytes behind the batch', Buffer.concat([batchOf([]), Buffer.of(0)])],
    ['a cut payload', batchOf([['BlockRemoved', [1n], 'GPU']]).subarray(0, -4)],
    ['a length beyond the payload', Buffer.from('93cb41da13b860200000ddffffffff', 'hex')],
    ['a head byte that is not valid', Buffer.from('93cb41da13b86020000091c100', 'hex')],
    ['hashes that are text', batchOf([['BlockRemoved', ['x'], 'GPU']])],
    ['a stored event without hashes', batchOf([{ type: 'BlockStored', token_ids: [], block_size: 4 }])],
    ['a removal without hashes', batchOf([['BlockRemoved']])],
    ['a negative block size', batchOf([['BlockStored', [1], null, [], -4]])],
    ['text that is not UTF-8', withBytes(batchOf([['BlockStored', [1], null, [1], 1, 2, 'GPU', 'sql']]), 'sql', 0xff)],
  ])('refuses %s whole, as malformed-frame', (_, payload) => {
    const failure = failureOf(payload);
    expect(failure).toBeInstanceOf(SidecarError);
    expect(failure).toMatchObject({ code: 'malformed-frame' });
  });

  it('refuses a payload larger than 64 MiB without reading it', () => {
    expect(failureOf(new Uint8Array(64 * 1024 * 1024 + 1))).toMatchObject({ code: 'malformed-frame' });
  });

  it('steps over events to read only timestamp and rank', () => {
    const payload = batchOf([['BlockStored', [2n ** 63n], null, [1, 300, 70000], 1], 'odd', { a: [null, true, 1.5] }], {
      rank: 5,
    });
    expect(vllm.peek(payload)).toEqual({ timestampSeconds: 1750000000.5, rank: 5 });
  });
});

describe('vLLM adapter: stored events', () => {
  const tokens = [1, 2, 3, 4];
  it.each([
    ['0.9 (6 fields)', ['BlockStored', [7], null, tokens, 4, null], {}],
    ['0.10.2 (7)', ['BlockStored', [7], null, tokens, 4, null, 'CPU'], { medium: 'CPU' }],
    ['0.14 (8)', ['BlockStored', [7], null, tokens, 4, 1, 'GPU', 'sql'], { loraName: 'sql' }],
    ['0.17 (9)', ['BlockStored', [7], null, tokens, 4, 1, 'GPU', 'sql', [['sql', 'salt']]], { extras: [['salt']] }],
    ['0.20 (10)', ['BlockStored', [7], null, tokens, 4, null, 'GPU', null, null, 2], { group: 2 }],
    [
      '0.22 (12)',
      ['BlockStored', [7], null, tokens, 4, null, 'GPU', null, null, 1, 'sliding_window', 128],
      { group: 1, attentionKind: 'sliding_window' },
    ],
    [
      'a later one with more',
      ['BlockStored', [7], null, tokens, 4, null, 'GPU', null, null, 0, null, null, 'x', [1]],
      {},
    ],
  ])('reads the array of vLLM %s', (_, event, expected) => {
    expect(stored(event)).toMatchObject({
      engineKeys: pairs(7n),
      parent: null,
      tokenIds: Int32Array.from(tokens),
      blockSize: 4,
      ...expected,
    });
  });

  it('reads a map, whatever the order of its fields, and lets defaults stand for those left out', () => {
    const event = stored({
      token_ids: tokens,
      type: 'BlockStored',
      parent_block_hash: 9,
      block_hashes: [15760518052499183552n, 7],
      block_size: 2,
      session_id: 'abc',
    });
    expect(event).toEqual({
      kind: 'block-stored',
      engineKeys: pairs(15760518052499183552n, 7n),
      parent: { lo: 9, hi: 0 },
      tokenIds: Int32Array.from(tokens),
      blockSize: 2,
      loraName: null,
      extras: null,
      medium: 'GPU',
      group: 0,
      attentionKind: null,
    });
  });

  it('takes array and map events from one batch', () => {
    const { events } = vllm.decode(
      batchOf([
        ['BlockRemoved', [1], 'GPU', 3],
        { type: 'BlockRemoved', block_hashes: [2], medium: 'cpu', group_idx: 1 },
      ]),
    );
    expect(events).toEqual([
      { kind: 'block-removed', engineKeys: pairs(1n), medium: 'GPU', group: 3 },
      { kind: 'block-removed', engineKeys: pairs(2n), medium: 'CPU', group: 1 },
    ]);
  });

  it.each([
    ['a small integer', 42, 42n],
    ['an unsigned 64-bit integer', 11872861634006681712n, 11872861634006681712n],
    ['a negative integer', -3n, 2n ** 64n - 3n],
    ['a negative fixint', -3, 2n ** 64n - 3n],
    ['a negative 16-bit integer', -300, 2n ** 64n - 300n],
    ['a 32-bit integer', 4000000000, 4000000000n],
    ['32 bytes', Buffer.concat([Buffer.alloc(24, 1), Buffer.from('fedcba9876543210', 'hex')]), 0xfedcba9876543210n],
    ['16 bytes', Buffer.from('00000000000000010123456789abcdef', 'hex'), 0x0123456789abcdefn],
    ['6 bytes', Buffer.from('010203040506', 'hex'), 0x010203040506n],
    ['1 byte', Buffer.of(0xab), 0xabn],
  ])('reduces a hash that is %s to 64 bits', (_, hash, key) => {
    const event = stored(['BlockStored', [hash], hash, [5], 1]);
    expect(event.engineKeys).toEqual(pairs(key));
    expect(event.parent).toEqual({ lo: pairs(key)[0], hi: pairs(key)[1] });
  });

  it.each([0, 127, 128, 255, 256, 65535, 65536, 2 ** 31 - 1])('reads token id %d', (token) => {
    expect(stored(['BlockStored', [1], null, [token, 5], 2]).tokenIds).toEqual(Int32Array.of(token, 5));
  });

  it.each([
    ['text', ['img', 1]],
    ['negative', [1, -1]],
    ['beyond 31 bits', [1, 2 ** 31]],
    ['null', [1, null]],
  ])('leaves out an event with a token that is %s, and keeps the rest of the batch', (_, odd) => {
    const batch = vllm.decode(
      batchOf([
        ['BlockStored', [1], null, odd, 2],
        ['BlockRemoved', [9]],
      ]),
    );
    expect(batch.events.map(({ kind }) => kind)).toEqual(['block-removed']);
    expect(batch.skippedEvents).toBe(1);
  });

  it('keeps the blocks of a LoRA adapter apart where an engine before 0.14 gives its number only', () => {
    expect(stored(['BlockStored', [1], null, [5], 1, 3]).loraName).toBe('lora-id:3');
  });

  it('reads extra keys of every form and takes the LoRA name off the front only', () => {
    const digest = Buffer.alloc(32, 7);
    const event = stored({
      type: 'BlockStored',
      block_hashes: [1, 2, 3, 4, 5],
      parent_block_hash: null,
      token_ids: [1, 2, 3, 4, 5],
      block_size: 1,
      lora_id: 1,
      lora_name: 'sql',
      medium: 'GPU',
      extra_keys: [['sql', ['image', -12], 'salt'], ['sql'], null, [digest], ['other', 'sql']],
    });
    expect(event.extras).toEqual([[['image', -12], 'salt'], null, null, [new Uint8Array(digest)], ['other', 'sql']]);
  });

  it('keeps an extra key of an unknown form as bytes that match nothing', () => {
    const event = stored(['BlockStored', [1, 2], null, [1, 2], 1, null, 'GPU', null, [[17], [{ a: 1 }]]]);
    expect(event.extras).toEqual([[Uint8Array.of(17)], [new Uint8Array(pack({ a: 1 }))]]);
  });

  it('reads a placeholder of an offload tier', () => {
    const event = stored(['BlockStored', [Buffer.alloc(32, 1)], null, [], 0, null, 'STORAGE']);
    expect(event).toMatchObject({ blockSize: 0, tokenIds: new Int32Array(0), medium: 'STORAGE' });
  });

  it.each([
    ['null', null, 'GPU'],
    ['lower case', 'cpu', 'CPU'],
    ['a word not known here', 'Fast_Tier', 'FAST_TIER'],
  ])('reads a medium that is %s', (_, medium, expected) => {
    expect(stored(['BlockStored', [1], null, [5], 1, null, medium]).medium).toBe(expected);
  });
});

describe('vLLM adapter: what it does not know', () => {
  it('steps over unknown events and counts them', () => {
    const batch = vllm.decode(
      batchOf([
        ['BlockInactive', [1], { deep: [[[]]] }],
        { type: 'TierBlocksCleared', medium: 'CPU' },
        { no: 'tag' },
        { type: 5, block_hashes: [1] },
        [],
        [3, 4],
        'word',
        null,
        ['AllBlocksCleared'],
        { type: 'AllBlocksCleared', later: true },
      ]),
    );
    expect(batch.events).toEqual([{ kind: 'all-blocks-cleared' }, { kind: 'all-blocks-cleared' }]);
    expect(batch.skippedEvents).toBe(8);
    expect(batch.skippedFields).toBe(1);
  });

  it('counts unknown fields of known events, but not those known and not needed', () => {
    const event = {
      block_hashes: [1],
      type: 'BlockRemoved',
      locality: 'LOCAL',
      ownership: null,
      origin: 'NEW',
      epoch: 4,
    };
    expect(vllm.decode(batchOf([event])).skippedFields).toBe(2);
  });

  it('does not mind deep nesting', () => {
    const depth = 200_000;
    const nested = Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.of(0xc0)]);
    const payload = Buffer.concat([Buffer.from('93cb41da13b86020000091', 'hex'), nested, Buffer.of(0)]);
    expect(vllm.decode(payload)).toMatchObject({ events: [], skippedEvents: 1 });
  });

  it('steps over extension types of every length', () => {
    const extensions = ['d401aa', 'd501aaaa', 'd601aaaaaaaa', `d701${'aa'.repeat(8)}`, `d801${'aa'.repeat(16)}`];
    const free = ['c70301aabbcc', 'c8000101aa', 'c90000000101aa'];
    for (const hex of [...extensions, ...free]) {
      const payload = Buffer.concat([
        Buffer.from('93cb41da13b86020000091', 'hex'),
        Buffer.from(hex, 'hex'),
        Buffer.of(0),
      ]);
      expect(vllm.decode(payload)).toMatchObject({ skippedEvents: 1 });
    }
  });
});
