import { describe, expect, it } from '@jest/globals';
import type { DiscoveredPool, Discovery } from '../../sidecar/discovery/index.ts';

/** Serving addresses (`host:port`) by pool. */
export type Fleet = Readonly<Record<string, readonly string[]>>;

/** A source of pools whose world the suite can change. Addresses are IPv4 with port 8000. */
export interface DiscoveryWorld {
  readonly discovery: Discovery;
  /** Makes the world hold exactly these pools. */
  setFleet(fleet: Fleet): Promise<void> | void;
  /** Lets what follows from the last change happen; `told` are the notices so far. */
  settle(told: () => Fleet): Promise<void>;
}

const fleetOf = (pools: readonly DiscoveredPool[]): Fleet =>
  Object.fromEntries(
    pools.map(({ definition, endpoints }) => [
      definition.name,
      endpoints.map(({ endpoint }) => endpoint.address).sort(),
    ]),
  );

const a = '10.0.0.1:8000';
const b = '10.0.0.2:8000';
const c = '10.0.0.3:8000';

/** What every discovery promises; `createWorld` is called once a test, with the fleet at its beginning. */
export const describeDiscovery = (
  name: string,
  createWorld: (fleet: Fleet) => Promise<DiscoveryWorld> | DiscoveryWorld,
): void => {
  const started = async (fleet: Fleet) => {
    const world = await createWorld(fleet);
    const stopping = new AbortController();
    const notices: (readonly DiscoveredPool[])[] = [];
    const last = () => notices.at(-1) ?? [];
    await world.discovery.start(stopping.signal, (pools) => notices.push(pools));
    const settle = () => world.settle(() => fleetOf(last()));
    return { ...world, settle, notices, noticesAtStart: notices.length, stopping, last };
  };

  describe(`${name} discovery`, () => {
    it('tells every pool whole before start resolves', async () => {
      const { noticesAtStart, last, stopping } = await started({ one: [a, b], two: [c] });
      expect(noticesAtStart).toBeGreaterThan(0);
      expect(fleetOf(last())).toEqual({ one: [a, b], two: [c] });
      stopping.abort();
    });

    it('takes no pool at all for a complete look', async () => {
      const { noticesAtStart, last, stopping } = await started({});
      expect(noticesAtStart).toBeGreaterThan(0);
      expect(last()).toEqual([]);
      stopping.abort();
    });

    it('tells every pool whole again when one of them changes', async () => {
      const { setFleet, settle, last, stopping } = await started({ one: [a, b], two: [c] });
      await setFleet({ one: [b], two: [c] });
      await settle();
      expect(fleetOf(last())).toEqual({ one: [b], two: [c] });
      stopping.abort();
    });

    it('tells when a pool comes and when it goes', async () => {
      const { setFleet, settle, last, stopping } = await started({ one: [a] });
      await setFleet({ one: [a], two: [b] });
      await settle();
      expect(fleetOf(last())).toEqual({ one: [a], two: [b] });
      await setFleet({ two: [b] });
      await settle();
      expect(fleetOf(last())).toEqual({ two: [b] });
      stopping.abort();
    });

    it('says nothing where nothing changes', async () => {
      const { setFleet, settle, notices, stopping } = await started({ one: [a] });
      const before = notices.length;
      await setFleet({ one: [a] });
      await settle();
      expect(notices.length).toBe(before);
      stopping.abort();
    });

    it('gives each endpoint an id of its own that stays the same', async () => {
      const { setFleet, settle, last, stopping } = await started({ one: [a, b], two: [a] });
      const idsOf = () => last().flatMap(({ endpoints }) => endpoints.map(({ endpoint }) => endpoint.id));
      const before = idsOf();
      expect(new Set(before).size).toBe(3);
      await setFleet({ one: [a, b, c], two: [a] });
      await settle();
      expect(idsOf()).toEqual(expect.arrayContaining(before));
      stopping.abort();
    });

    it('puts each endpoint into the pool it is told with', async () => {
      const { last, stopping } = await started({ one: [a], two: [b] });
      for (const { definition, endpoints } of last()) {
        for (const { endpoint } of endpoints) expect(endpoint.pool).toBe(definition.name);
      }
      stopping.abort();
    });

    it('leaves an endpoint as it was when another one changes', async () => {
      const { setFleet, settle, last, stopping } = await started({ one: [a, b] });
      const endpointAt = (address: string) =>
        last()
          .flatMap(({ endpoints }) => endpoints)
          .find(({ endpoint }) => endpoint.address === address);
      const before = endpointAt(a);
      await setFleet({ one: [a, c] });
      await settle();
      expect(endpointAt(c)).toBeDefined();
      expect(endpointAt(a)?.endpoint).toEqual(before?.endpoint);
      stopping.abort();
    });

    it('is healthy once it has looked, and finds nothing to mend', async () => {
      const { discovery, stopping } = await started({ one: [a] });
      expect(discovery.condition().isHealthy).toBe(true);
      expect(discovery.findings()).toEqual([]);
      stopping.abort();
    });

    it('says nothing after it was stopped', async () => {
      const { setFleet, settle, notices, stopping } = await started({ one: [a] });
      stopping.abort();
      const before = notices.length;
      await setFleet({ one: [a, b] });
      await settle();
      expect(notices.length).toBe(before);
    });
  });
};
