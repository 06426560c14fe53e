import type { EndpointId } from '../../sidecar/core/index.ts';
import { computeBlockKeys, type Holder, type PrefixIndex } from '../../sidecar/kvindex/index.ts';
import { createTinyIndex, type TinyIndex } from './tiny-index.ts';

/** A product index behind a test index's face: written to together, asked alone for predictions. */
export const mirrorIndex = (real: PrefixIndex): TinyIndex => {
  const tiny = createTinyIndex();
  const holders = new Map<Holder, Holder>();
  const byEndpoint = new Map<EndpointId, Holder>();
  const tinyOf = (holder: Holder): Holder => holders.get(holder) ?? holder;
  const differ = (what: string): never => {
    throw new Error(`index and test index disagree about ${what}`);
  };
  return {
    addHolder: (endpoint) => {
      const holder = real.addHolder(endpoint);
      holders.set(holder, tiny.addHolder(endpoint));
      byEndpoint.set(endpoint, holder);
      return holder;
    },
    removeHolder: (holder) => real.removeHolder(holder),
    store: (holder, event) => {
      const outcome = real.store(holder, event);
      return outcome.kind === tiny.store(tinyOf(holder), event).kind ? outcome : differ('a stored event');
    },
    remove: (holder, event) => {
      const unknown = real.remove(holder, event);
      return unknown === tiny.remove(tinyOf(holder), event) ? unknown : differ('a removal');
    },
    clear: (holder) => {
      tiny.clear(tinyOf(holder));
      return real.clear(holder);
    },
    cachedTokens: (endpoint, { tokenIds, blockSize, loraName = null, salt = null }) => {
      const holder = byEndpoint.get(endpoint) ?? differ('who is registered');
      const identity = { loraName, salt, multimodal: [] };
      const keys = computeBlockKeys(Int32Array.from(tokenIds), { blockSize, identity, seed: real.keySeed });
      const matched = new Int32Array(real.capacity);
      real.match(keys, matched);
      return Math.min(matched[holder] ?? 0, Math.floor((tokenIds.length - 1) / blockSize)) * blockSize;
    },
    contents: tiny.contents,
    save: tiny.save,
    restore: () => differ('content of elsewhere, which is not mirrored'),
  };
};
