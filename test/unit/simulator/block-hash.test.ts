import { describe, expect, it } from '@jest/globals';
import { createBlockHasher } from '../../../sidecar/simulator/block-hash.ts';
import { extraKeysOf } from '../../../sidecar/simulator/cache-event.ts';

const tokenIds = Int32Array.of(1, 2, 3, 4);
const plain = { parent: null, tokenIds, loraName: null, salt: null };

describe('block hashes', () => {
  it('are equal for equal chains under equal seeds', () => {
    expect(createBlockHasher(7n).identify(plain).hash).toBe(createBlockHasher(7n).identify(plain).hash);
  });

  it('differ by seed, tokens, parent, LoRA name and salt', () => {
    const hasher = createBlockHasher(7n);
    const first = hasher.identify(plain);
    const hashes = [
      first,
      createBlockHasher(8n).identify(plain),
      hasher.identify({ ...plain, tokenIds: Int32Array.of(1, 2, 3, 5) }),
      hasher.identify({ ...plain, parent: first }),
      hasher.identify({ ...plain, loraName: 'a' }),
      hasher.identify({ ...plain, salt: 'b' }),
      hasher.identify({ ...plain, loraName: 'a', salt: 'b' }),
    ].map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(hashes.length);
    for (const hash of hashes) expect(hash >= 0n && hash < 2n ** 64n).toBe(true);
  });

  it('are equal for a salt and a LoRA name of the same spelling, since vLLM hashes extra keys as one list', () => {
    const hasher = createBlockHasher(7n);
    expect(hasher.identify({ ...plain, salt: 'a' }).hash).toBe(hasher.identify({ ...plain, loraName: 'a' }).hash);
  });

  it('carry a salt from block 0 on through the chain only', () => {
    const hasher = createBlockHasher(7n);
    const child = { parent: hasher.identify(plain), tokenIds, loraName: null };
    expect(hasher.identify({ ...child, salt: 's' }).hash).toBe(hasher.identify({ ...child, salt: null }).hash);
    const salted = { ...child, parent: hasher.identify({ ...plain, salt: 's' }), salt: 's' };
    expect(hasher.identify(salted).hash).not.toBe(hasher.identify({ ...child, salt: null }).hash);
  });
});

describe('extra keys', () => {
  it('are the LoRA name on every block, then the salt on block 0', () => {
    const hasher = createBlockHasher(0n);
    const first = hasher.identify({ ...plain, loraName: 'adapter', salt: 's' });
    const second = hasher.identify({ parent: first, tokenIds, loraName: 'adapter', salt: 's' });
    expect([first, second].map(extraKeysOf)).toEqual([['adapter', 's'], ['adapter']]);
  });

  it('are null where there are none', () => {
    expect(extraKeysOf(createBlockHasher(0n).identify(plain))).toBeNull();
  });
});
