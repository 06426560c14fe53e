import { createStaticDiscovery } from '../../sidecar/discovery/index.ts';
import { describeDiscovery, type Fleet } from './discovery-suite.ts';

const poolsOf = (fleet: Fleet) =>
  Object.entries(fleet).map(([name, addresses]) => ({
    name,
    discovery: { static: addresses.map((address) => ({ address })) },
  }));

describeDiscovery('static', (fleet) => {
  const discovery = createStaticDiscovery(poolsOf(fleet));
  return {
    discovery,
    setFleet: (next) => discovery.replace(poolsOf(next)),
    settle: async () => {},
  };
});
