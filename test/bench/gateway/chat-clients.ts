/**
 * A worker that asks a consult endpoint about the turns of growing chats, and says what the engines picked would report: the
 * blocks of each prompt that were not there before. Messages to it: how many requests to make; from it: events, then 'done'.
 */

import { Agent, type IncomingMessage, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { computeBlockKeys } from '../../../sidecar/kvindex/index.ts';
import { createPromptEncoder, createRequestReader } from '../../../sidecar/prompt/index.ts';
import { BLOCK_SIZE, plain } from '../kvindex/workload.ts';
import { createChats } from '../prompt/chats.ts';
import { qwen3Folder } from '../prompt/qwen3.ts';

/** What the worker is started with. */
export interface ChatClientsData {
  readonly address: string;
  readonly concurrency: number;
  readonly conversations: number;
}

/** Blocks that an engine stored: those of a prompt behind the first `knownBlocks`. */
export interface StoredBlocks {
  readonly destination: string;
  readonly engineKeys: Int32Array;
  readonly parent: { readonly lo: number; readonly hi: number } | null;
  readonly tokenIds: Int32Array;
}

const { address, concurrency, conversations }: ChatClientsData = workerData;
const [host = '', port = ''] = address.split(':');
const path = '/v1/chat/completions';
const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
const chats = createChats({ conversations, messageLength: 1300, maxMessages: 40 });
const encoder = await createPromptEncoder({ folder: qwen3Folder });
const reader = createRequestReader();
/** Engine keys that each endpoint holds. */
const held = new Map<string, Set<string>>();

const ask = (body: Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const outgoing = request({ host, port, agent, method: 'POST', path, headers }, (answer: IncomingMessage) => {
      answer.resume();
      answer.on('error', reject);
      answer.on('end', () => resolve(String(answer.headers['x-gateway-destination-endpoint'])));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

const storedBlocks = (body: Buffer, destination: string): StoredBlocks | null => {
  const prompt = encoder.encode(reader.read({ path, body, isComplete: true }), { loraName: null });
  if (prompt instanceof Promise || prompt.kind !== 'encoded') throw new Error('no prompt');
  const tokenIds = prompt.sequences[0]?.tokenIds ?? new Int32Array(0);
  const { count, lo, hi } = computeBlockKeys(tokenIds, { blockSize: BLOCK_SIZE, identity: plain });
  const holds = held.get(destination) ?? new Set<string>();
  held.set(destination, holds);
  const keyAt = (block: number): string => `${lo[block]}.${hi[block]}`;
  let known = 0;
  while (known < count && holds.has(keyAt(known))) known += 1;
  if (known === count) return null;
  const engineKeys = new Int32Array((count - known) * 2);
  for (let block = known; block < count; block += 1) {
    holds.add(keyAt(block));
    engineKeys[(block - known) * 2] = hi[block] ?? 0;
    engineKeys[(block - known) * 2 + 1] = lo[block] ?? 0;
  }
  const parent = known === 0 ? null : { lo: hi[known - 1] ?? 0, hi: lo[known - 1] ?? 0 };
  return { destination, engineKeys, parent, tokenIds: tokenIds.slice(known * BLOCK_SIZE, count * BLOCK_SIZE) };
};

const turns = async (count: { left: number }): Promise<void> => {
  while (count.left > 0) {
    count.left -= 1;
    const body = chats.nextBody();
    const stored = storedBlocks(body, await ask(body));
    if (stored !== null) parentPort?.postMessage(stored);
  }
};

parentPort?.on('message', (requests: number) => {
  const count = { left: requests };
  Promise.all(Array.from({ length: concurrency }, () => turns(count))).then(
    () => parentPort?.postMessage('done'),
    (failure: unknown) => {
      throw failure;
    },
  );
});
parentPort?.postMessage('ready');
