import type { EngineKey, Holder, KvEvent, PrefixIndexWriter } from '../../kvindex/index.ts';
import type { CacheEvent } from '../../simulator/index.ts';

const engineKeyOf = (hash: bigint): EngineKey => ({
  lo: Number(BigInt.asIntN(32, hash)),
  hi: Number(BigInt.asIntN(32, hash >> 32n)),
});

const pairsOf = (hashes: readonly bigint[]): Int32Array => {
  const pairs = new Int32Array(2 * hashes.length);
  for (const [at, hash] of hashes.entries()) {
    const { lo, hi } = engineKeyOf(hash);
    pairs[2 * at] = lo;
    pairs[2 * at + 1] = hi;
  }
  return pairs;
};

const tokensOf = (blocks: readonly { readonly tokenIds: Int32Array }[], blockSize: number): Int32Array => {
  const tokens = new Int32Array(blocks.length * blockSize);
  for (const [at, { tokenIds }] of blocks.entries()) tokens.set(tokenIds, at * blockSize);
  return tokens;
};

const shelf = { medium: 'GPU', group: 0 } as const;

/** An engine's own events as the wire adapters give them; removals that follow each other become one event. */
export const toKvEvents = (events: readonly CacheEvent[], blockSize: number): readonly KvEvent[] => {
  const translated: KvEvent[] = [];
  let removed: bigint[] = [];
  const closeRemovals = (): void => {
    if (removed.length > 0) translated.push({ kind: 'block-removed', engineKeys: pairsOf(removed), ...shelf });
    removed = [];
  };
  for (const event of events) {
    if (event.kind === 'removed') {
      removed.push(event.hash);
      continue;
    }
    closeRemovals();
    if (event.kind === 'cleared') {
      translated.push({ kind: 'all-blocks-cleared' });
      continue;
    }
    const parent = event.blocks[0]?.parent ?? null;
    translated.push({
      kind: 'block-stored',
      engineKeys: pairsOf(event.blocks.map(({ hash }) => hash)),
      parent: parent === null ? null : engineKeyOf(parent.hash),
      tokenIds: tokensOf(event.blocks, blockSize),
      blockSize,
      loraName: null,
      extras: null,
      attentionKind: null,
      ...shelf,
    });
  }
  closeRemovals();
  return translated;
};

/** Applies events in order. */
export const applyKvEvents = (index: PrefixIndexWriter, holder: Holder, events: readonly KvEvent[]): void => {
  for (const event of events) {
    if (event.kind === 'block-stored') index.store(holder, event);
    else if (event.kind === 'block-removed') index.remove(holder, event);
    else index.clear(holder);
  }
};
