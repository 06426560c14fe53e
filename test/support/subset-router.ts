import { decisionId, poolName } from '../../sidecar/core/index.ts';
import { createFakeRouter, endpointAt, type FakeRouter } from './fake-router.ts';

/** A fake router that heeds subset hints as routing does: exact addresses, or hosts for all their ports. */
export const createSubsetRouter = (addresses: readonly string[]): FakeRouter =>
  createFakeRouter(
    addresses.map((address) => endpointAt(address)),
    ({ subset }) => {
      if (subset === null) return {};
      const isAllowed = (address: string): boolean =>
        subset.some((hint) => hint === address || hint === address.slice(0, address.lastIndexOf(':')));
      const allowed = addresses.find(isAllowed);
      if (allowed !== undefined) return { endpoint: endpointAt(allowed) };
      return { kind: 'no-endpoint', id: decisionId('none'), pool: poolName('qwen') };
    },
  );
