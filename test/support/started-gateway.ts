import { silentLogger, silentMetrics, systemClock } from '../../sidecar/core/index.ts';
import type { Gateway } from '../../sidecar/gateway/index.ts';

/** Options of a gateway that a test does not care about. */
export const quietGatewayOptions = {
  listen: '127.0.0.1:0',
  clock: systemClock,
  logger: silentLogger,
  metrics: silentMetrics,
} as const;

/** A gateway that listens. */
export interface StartedGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly address: string;
  readonly url: string;
}

/** Starts a gateway; disposing stops it at once. */
export const started = async (gateway: Gateway): Promise<StartedGateway> => {
  const { address } = await gateway.start(new AbortController().signal);
  return { gateway, address, url: `http://${address}`, [Symbol.asyncDispose]: () => gateway.stop(0) };
};

/** An address on loopback that refuses connections. */
export const refusingAddress = '127.0.0.1:1';
