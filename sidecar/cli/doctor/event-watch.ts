import { type Clock, delay, type Endpoint, sequenceNumber } from '../../core/index.ts';
import { type EventTransport, engineAdapters } from '../../events/index.ts';
import { ask, memberOf } from './ask.ts';

/** Notices that an engine stored blocks. */
export interface EventWatch {
  /** Whether events can be received, waited for a moment. */
  isListening(): Promise<boolean>;
  /** Resolves with the block size of the first event of stored blocks after `isListening`, 0 where only its coming shows. */
  stored(timeoutMs: number): Promise<number | null>;
  close(): Promise<void>;
}

const connectMs = 3_000;

/** Resolves with null after a while. */
const timeout = async (clock: Clock, timeoutMs: number): Promise<null> => {
  await delay(clock, timeoutMs);
  return null;
};

/** Listens to the engine's own publisher. */
export const watchPublisher = (
  { engine }: Endpoint,
  address: string,
  { transport, clock }: { readonly transport: EventTransport; readonly clock: Clock },
): EventWatch => {
  const connected = Promise.withResolvers<true>();
  const stored = Promise.withResolvers<number>();
  const socket = transport.subscribe(address, {
    onConnected: () => connected.resolve(true),
    onDisconnected: () => {},
    onFrames: (frames) => {
      const payload = frames.at(-1);
      if (payload === undefined) return;
      for (const event of engineAdapters[engine].decode(payload).events) {
        if (event.kind === 'block-stored' && event.blockSize > 0) stored.resolve(event.blockSize);
      }
    },
  });
  return {
    isListening: async () => (await Promise.race([connected.promise, timeout(clock, connectMs)])) === true,
    stored: (timeoutMs) => Promise.race([stored.promise, timeout(clock, timeoutMs)]),
    close: () => socket.close(),
  };
};

/** Watches a running sidecar apply an endpoint's events. */
export const watchSidecar = (
  { pool, name }: Endpoint,
  admin: string,
  { signal, clock }: { readonly signal: AbortSignal; readonly clock: Clock },
): EventWatch => {
  const lastSequence = async (): Promise<unknown> => {
    const answer = await ask(`${admin}/api/v1/endpoints`, { signal });
    const reports = answer.kind === 'answered' ? memberOf(answer.json, 'endpoints') : undefined;
    const report = Array.isArray(reports)
      ? reports.find((one) => memberOf(one, 'pool') === pool && memberOf(one, 'name') === name)
      : undefined;
    return memberOf(report, 'lastSequence') ?? null;
  };
  let before: unknown;
  return {
    isListening: async () => {
      before = await lastSequence();
      return true;
    },
    stored: async (timeoutMs) => {
      const endMs = clock.now() + timeoutMs;
      while (clock.now() < endMs && !signal.aborted) {
        if ((await lastSequence()) !== before) return 0;
        await delay(clock, 50);
      }
      return null;
    },
    close: async () => {},
  };
};

/** Asks a replay socket for everything; resolves with the number of batches, or why there is no end to them. */
export const countReplay = async (
  address: string,
  options: { readonly transport: EventTransport; readonly clock: Clock; readonly timeoutMs: number },
): Promise<number | 'no answer' | 'no end mark'> => {
  const ended = Promise.withResolvers<true>();
  let batches = 0;
  const close = options.transport.replayFrom(address).open({
    from: sequenceNumber(0),
    onFrames: (frames) => {
      if (frames.at(-1)?.length === 0) ended.resolve(true);
      else batches += 1;
    },
    onFailure: () => {},
  });
  const isWhole = await Promise.race([ended.promise, timeout(options.clock, options.timeoutMs)]);
  close();
  if (isWhole === true) return batches;
  return batches === 0 ? 'no answer' : 'no end mark';
};
