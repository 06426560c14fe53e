import { describe, expect, it } from '@jest/globals';
import type { BlockIdentity, CacheEvent } from '../../../sidecar/simulator/cache-event.ts';
import { createEventEncoder } from '../../../sidecar/simulator/event-encoder.ts';
import { decodeBatch, readMessages } from '../../support/engine-recordings.ts';

type Fields = Readonly<Record<string, unknown>>;

const positions: Readonly<Record<string, readonly string[]>> = {
  BlockStored: [
    'type',
    'block_hashes',
    'parent_block_hash',
    'token_ids',
    'block_size',
    'lora_id',
    'medium',
    'lora_name',
    'extra_keys',
  ],
  BlockRemoved: ['type', 'block_hashes'],
  AllBlocksCleared: ['type'],
};

const named = (event: unknown): Fields => {
  if (!Array.isArray(event)) return typeof event === 'object' && event !== null ? { ...event } : {};
  return Object.fromEntries((positions[event[0]] ?? []).map((field, index) => [field, event[index]]));
};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const hashOf = (value: unknown): bigint => BigInt(typeof value === 'bigint' || typeof value === 'number' ? value : 0);

/** The event as the block pool would have reported it, with the recorded hashes. */
const rebuild = (event: Fields): CacheEvent => {
  if (event['type'] === 'AllBlocksCleared') return { kind: 'cleared' };
  const hashes = listOf(event['block_hashes']).map(hashOf);
  if (event['type'] === 'BlockRemoved') return { kind: 'removed', hash: hashes[0] ?? 0n };
  const blockSize = Number(event['block_size']);
  const tokenIds = Int32Array.from(listOf(event['token_ids']).map(Number));
  const loraName = textOf(event['lora_name']);
  const extraKeys = listOf(listOf(event['extra_keys'])[0]);
  const salt = textOf(extraKeys[loraName === null ? 0 : 1]);
  const root = { tokenIds: new Int32Array(), loraName, salt, parent: null, depth: 0 };
  const hasParent = event['parent_block_hash'] !== null;
  let parent: BlockIdentity | null = hasParent ? { ...root, hash: hashOf(event['parent_block_hash']) } : null;
  const blocks = hashes.map((hash, index): BlockIdentity => {
    const block: BlockIdentity = {
      hash,
      parent,
      depth: parent === null ? 0 : parent.depth + 1,
      tokenIds: tokenIds.slice(index * blockSize, (index + 1) * blockSize),
      loraName,
      salt,
    };
    parent = block;
    return block;
  });
  const lora = loraName === null ? null : { id: Number(event['lora_id']), name: loraName };
  return { kind: 'stored', blocks, lora, sessionId: textOf(event['session_id']) };
};

describe.each([
  ['array', 'v0.23.0-array', ['a_prefix', 'h_exact_blocks', 'd_salt', 'b_eviction', 'c_reset']],
  [
    'map',
    'v0.32.0-map',
    ['a_prefix', 'h_exact_blocks', 'd_salt', 'b_eviction', 'c_reset', 'e_lora', 's_sleep', 'i_full_report_session'],
  ],
  ['map', 'v0.32.0-map-dp2', ['dp']],
] as const)('events as %s', (encoding, folder, scenarios) => {
  it.each(scenarios)(`are byte for byte those of ${folder}/%s`, (scenario) => {
    const encode = createEventEncoder(encoding);
    const messages = readMessages(`${folder}/${scenario}`);
    expect(messages.length).toBeGreaterThan(0);
    for (const { payload } of messages) {
      const [atSeconds, events, rank] = listOf(decodeBatch(payload));
      const batch = {
        atSeconds: Number(atSeconds),
        events: listOf(events).map((event) => rebuild(named(event))),
        rank: Number(rank),
      };
      expect(encode(batch).toString('hex')).toBe(payload.toString('hex'));
    }
  });
});
