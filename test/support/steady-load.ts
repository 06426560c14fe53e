import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What became of one request of a steady load. */
export interface LoadOutcome {
  /** Status, or null where the connection broke or the answer did not end. */
  readonly status: number | null;
  readonly problem: string | null;
  /** Endpoint that served, by the answer's header. */
  readonly endpoint: string | null;
}

/** A running load. */
export interface SteadyLoad extends AsyncDisposable {
  /** Outcomes so far, in order of completion. */
  readonly outcomes: readonly LoadOutcome[];
  /** Requests sent and not answered yet. */
  readonly pending: number;
  /** Sends no more and waits for what is under way. */
  stop(): Promise<readonly LoadOutcome[]>;
}

/** One request: answer read to its end. Never rejects. */
const send = (url: string, body: string, agent: Agent): Promise<LoadOutcome> =>
  new Promise((resolve) => {
    const lost = (failure: Error): void => resolve({ status: null, problem: failure.message, endpoint: null });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = request(`${url}/v1/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', lost);
      response.on('end', () => {
        const status = response.statusCode ?? null;
        const endpoint = response.headers['x-warmroute-endpoint'];
        const text = Buffer.concat(chunks).toString();
        resolve({
          status,
          problem: status === 200 ? null : text.slice(0, 200),
          endpoint: typeof endpoint === 'string' ? endpoint : null,
        });
      });
    });
    outgoing.on('error', lost);
    outgoing.end(body);
  });

/**
 * Sends requests at a steady rate whether or not earlier ones are answered, over kept connections, to what `target` gives
 * at that moment (base URL).
 */
export const startSteadyLoad = (options: {
  readonly target: () => string;
  readonly bodyOf: (index: number) => string;
  readonly requestsPerSecond: number;
}): SteadyLoad => {
  const agent = new Agent({ keepAlive: true });
  const outcomes: LoadOutcome[] = [];
  const underWay = new Set<Promise<void>>();
  let isOver = false;
  const run = async (): Promise<void> => {
    const startMs = performance.now();
    for (let index = 0; !isOver; index += 1) {
      const dueMs = startMs + (index * 1000) / options.requestsPerSecond;
      if (dueMs > performance.now()) await sleep(dueMs - performance.now());
      const one: Promise<void> = send(options.target(), options.bodyOf(index), agent).then((outcome) => {
        outcomes.push(outcome);
        underWay.delete(one);
      });
      underWay.add(one);
    }
  };
  const running = run();
  const stop = async (): Promise<readonly LoadOutcome[]> => {
    isOver = true;
    await running;
    await Promise.all(underWay);
    agent.destroy();
    return outcomes;
  };
  return {
    outcomes,
    get pending() {
      return underWay.size;
    },
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
};
