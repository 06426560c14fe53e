import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { endpointId, systemClock } from '../../../sidecar/core/index.ts';
import { type Dial, dialTcp, findClosedEventPorts } from '../../../sidecar/discovery/index.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const { signal } = new AbortController();

const endpointAt = (eventsAddress: string | null, replayAddress: string | null = null) => ({
  id: endpointId('qwen/10.0.0.1:8000'),
  eventsAddress,
  replayAddress,
});

/** A port of 127.0.0.1 on which somebody listens, or, once it is disposed of, nobody. */
const listening = async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
};

const failing =
  (code: string): Dial =>
  async () => {
    throw Object.assign(new Error(code), { code });
  };

describe('closed event ports', () => {
  it('are none where both ports are open', async () => {
    await using open = await listening();
    const address = `tcp://127.0.0.1:${open.port}`;
    const options = { dial: dialTcp, clock: systemClock, timeoutMs: 5000, signal };
    expect(await findClosedEventPorts(endpointAt(address, address), options)).toEqual([]);
  });

  it('are found where nobody listens, with the flag to give', async () => {
    const { port, ...server } = await listening();
    await server[Symbol.asyncDispose]();
    const options = { dial: dialTcp, clock: systemClock, timeoutMs: 5000, signal };
    const address = `tcp://127.0.0.1:${port}`;
    expect(await findClosedEventPorts(endpointAt(address, address), options)).toEqual([
      {
        code: 'events-unreachable',
        subject: 'qwen/10.0.0.1:8000',
        problem: `event port ${port} is closed: the engine does not listen there`,
        mend: `give --kv-events-config "endpoint":"tcp://*:${port}" with the star, or correct warmroute.dev/events-port`,
      },
      expect.objectContaining({
        code: 'replay-unreachable',
        problem: `replay port ${port} is closed: the engine does not listen there`,
      }),
    ]);
  });

  it('are taken for a NetworkPolicy where packets are dropped', async () => {
    const clock = createFakeClock();
    const dial: Dial = ({ signal: limit }) =>
      new Promise((_, reject) => limit.addEventListener('abort', () => reject(limit.reason)));
    const found = findClosedEventPorts(endpointAt('tcp://10.0.0.1:5557'), { dial, clock, timeoutMs: 3000, signal });
    await clock.advance(3000);
    expect(await found).toEqual([
      expect.objectContaining({
        problem: 'event port 5557 does not answer: packets are dropped on the way, as a NetworkPolicy does',
        mend: "let warmroute's Pods in to port 5557 of the engine's Pods (ingress of their NetworkPolicy)",
      }),
    ]);
  });

  it.each([
    ['ETIMEDOUT', 'does not answer'],
    ['EHOSTUNREACH', 'there is no way to its host'],
    ['ENOTFOUND', 'there is no way to its host'],
  ])('say what %s means', async (code, text) => {
    const options = { dial: failing(code), clock: createFakeClock(), timeoutMs: 3000, signal };
    const [finding] = await findClosedEventPorts(endpointAt('tcp://[fd00::1]:5557'), options);
    expect(finding?.problem).toContain(text);
  });

  it('are none where there are no events, or not over TCP', async () => {
    const options = { dial: failing('ECONNREFUSED'), clock: createFakeClock(), timeoutMs: 3000, signal };
    expect(await findClosedEventPorts(endpointAt(null), options)).toEqual([]);
    expect(await findClosedEventPorts(endpointAt('ipc:///tmp/events'), options)).toEqual([]);
  });
});
