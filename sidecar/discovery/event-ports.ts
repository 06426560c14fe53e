import { connect } from 'node:net';
import type { Clock, Endpoint } from '../core/index.ts';
import type { Finding } from './finding.ts';

/** Opens a TCP connection and closes it again; rejects with a system error (`code` ECONNREFUSED …) where it cannot. */
export type Dial = (target: {
  readonly host: string;
  readonly port: number;
  readonly signal: AbortSignal;
}) => Promise<void>;

/** The plain {@link Dial}. */
export const dialTcp: Dial = ({ host, port, signal }) =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });

type Outcome = 'open' | 'refused' | 'silent' | 'unreachable';

const codeOf = (failure: unknown): unknown =>
  typeof failure === 'object' && failure !== null && 'code' in failure ? failure.code : undefined;

const parseTcp = (address: string): { readonly host: string; readonly port: number } | null => {
  const { host, port } = /^tcp:\/\/(?<host>\[[^\]]+\]|[^:/]+):(?<port>\d+)$/.exec(address)?.groups ?? {};
  return host === undefined || port === undefined ? null : { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
};

const explanations: Readonly<
  Record<Exclude<Outcome, 'open'>, (port: number, what: string) => Omit<Finding, 'code' | 'subject'>>
> = {
  silent: (port, what) => ({
    problem: `${what} port ${port} does not answer: packets are dropped on the way, as a NetworkPolicy does`,
    mend: `let warmroute's Pods in to port ${port} of the engine's Pods (ingress of their NetworkPolicy)`,
  }),
  refused: (port, what) => ({
    problem: `${what} port ${port} is closed: the engine does not listen there`,
    mend:
      what === 'event'
        ? `give --kv-events-config "endpoint":"tcp://*:${port}" with the star, or correct warmroute.dev/events-port`
        : `give --kv-events-config "replay_endpoint":"tcp://*:${port}", or correct warmroute.dev/replay-port`,
  }),
  unreachable: (port, what) => ({
    problem: `${what} port ${port} cannot be reached: there is no way to its host from here`,
    mend: 'check that this runs in the cluster, or in a network that has a way to its Pods',
  }),
};

/**
 * Tries the TCP ports of an endpoint's events and replay; one finding for each that cannot be connected to, saying
 * whether nothing listens, packets are dropped, or there is no way there. Addresses other than tcp are passed over.
 */
export const findClosedEventPorts = async (
  endpoint: Pick<Endpoint, 'id' | 'eventsAddress' | 'replayAddress'>,
  options: { readonly dial: Dial; readonly clock: Clock; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<readonly Finding[]> => {
  const { dial, clock, timeoutMs, signal } = options;
  const tryPort = async (host: string, port: number): Promise<Outcome> => {
    const limit = new AbortController();
    const cancel = clock.schedule(timeoutMs, () => limit.abort());
    try {
      await dial({ host, port, signal: AbortSignal.any([signal, limit.signal]) });
      return 'open';
    } catch (failure) {
      signal.throwIfAborted();
      if (limit.signal.aborted || codeOf(failure) === 'ETIMEDOUT') return 'silent';
      return codeOf(failure) === 'ECONNREFUSED' ? 'refused' : 'unreachable';
    } finally {
      cancel();
    }
  };
  const ports = [
    { what: 'event', code: 'events-unreachable', address: endpoint.eventsAddress },
    { what: 'replay', code: 'replay-unreachable', address: endpoint.replayAddress },
  ] as const;
  const found = await Promise.all(
    ports.map(async ({ what, code, address }): Promise<readonly Finding[]> => {
      const target = address === null ? null : parseTcp(address);
      if (target === null) return [];
      const outcome = await tryPort(target.host, target.port);
      if (outcome === 'open') return [];
      return [{ code, subject: endpoint.id, ...explanations[outcome](target.port, what) }];
    }),
  );
  return found.flat();
};
