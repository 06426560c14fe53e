/**
 * A worker that asks about the turns of growing chats over HTTP, and says what the engines picked would report: the blocks of
 * each prompt that were not there before. Bodies and block keys are made ahead, so that while requests are sent the client
 * keeps up with the server.
 */

import { Agent, type IncomingMessage, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { type BlockKeys, computeBlockKeys } from '../../../sidecar/kvindex/index.ts';
import { createPromptEncoder, createRequestReader } from '../../../sidecar/prompt/index.ts';
import { BLOCK_SIZE, plain } from '../kvindex/workload.ts';
import { createChats } from '../prompt/chats.ts';
import { qwen3Folder } from '../prompt/qwen3.ts';

/** What the worker is started with. */
export interface ChatClientsData {
  readonly concurrency: number;
  readonly conversations: number;
}

/** What the worker is asked for: to make so many bodies ready, or to send them all, to a server that decides or to any. */
export type ChatClientsOrder =
  | { readonly kind: 'prepare'; readonly requests: number }
  | { readonly kind: 'send'; readonly address: string; readonly isDecided: boolean };

/** What the worker says: that an order is carried out, or which blocks an engine stored. */
export type ChatClientsAnswer = { readonly kind: 'done' } | StoredBlocks;

/** Blocks that an engine stored: those of a prompt behind the first that it had. */
export interface StoredBlocks {
  readonly kind: 'stored';
  readonly destination: string;
  readonly engineKeys: Int32Array;
  readonly parent: { readonly lo: number; readonly hi: number } | null;
  readonly tokenIds: Int32Array;
}

interface Turn {
  readonly body: Buffer;
  readonly tokenIds: Int32Array;
  readonly keys: BlockKeys;
}

const { concurrency, conversations }: ChatClientsData = workerData;
const path = '/v1/chat/completions';
const chats = createChats({ conversations, messageLength: 1300, maxMessages: 40 });
const encoder = await createPromptEncoder({ folder: qwen3Folder });
const reader = createRequestReader();
/** 53 bits of each block key that an endpoint holds. */
const heldBy = new Map<string, Set<number>>();
let turns: readonly Turn[] = [];

const nextTurn = (): Turn => {
  const body = chats.nextBody();
  const prompt = encoder.encode(reader.read({ path, body, isComplete: true }), { loraName: null });
  if (prompt instanceof Promise || prompt.kind !== 'encoded') throw new Error('no prompt');
  const tokenIds = prompt.sequences[0]?.tokenIds ?? new Int32Array(0);
  return { body, tokenIds, keys: computeBlockKeys(tokenIds, { blockSize: BLOCK_SIZE, identity: plain }) };
};

interface Target {
  readonly address: string;
  readonly agent: Agent;
}

/** Sends a body; resolves to the endpoint that was picked. */
const send = (body: Buffer, { agent, address }: Target): Promise<string> =>
  new Promise((resolve, reject) => {
    const [host = '', port = ''] = address.split(':');
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const outgoing = request({ host, port, agent, method: 'POST', path, headers }, (answer: IncomingMessage) => {
      answer.resume();
      answer.on('error', reject);
      answer.on('end', () => resolve(String(answer.headers['x-gateway-destination-endpoint'])));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

/** The blocks of a prompt that its endpoint did not hold, which it does from then on. */
const store = ({ keys, tokenIds }: Turn, destination: string): StoredBlocks | null => {
  const { count, lo, hi } = keys;
  const held = heldBy.get(destination) ?? new Set();
  heldBy.set(destination, held);
  const keyAt = (block: number): number => ((lo[block] ?? 0) >>> 0) * 2 ** 21 + ((hi[block] ?? 0) >>> 11);
  let known = count;
  while (known > 0 && !held.has(keyAt(known - 1))) known -= 1;
  if (known === count) return null;
  const engineKeys = new Int32Array((count - known) * 2);
  for (let block = known; block < count; block += 1) {
    held.add(keyAt(block));
    engineKeys[(block - known) * 2] = hi[block] ?? 0;
    engineKeys[(block - known) * 2 + 1] = lo[block] ?? 0;
  }
  const parent = known === 0 ? null : { lo: hi[known - 1] ?? 0, hi: lo[known - 1] ?? 0 };
  const newIds = tokenIds.slice(known * BLOCK_SIZE, count * BLOCK_SIZE);
  return { kind: 'stored', destination, engineKeys, parent, tokenIds: newIds };
};

const say = (answer: ChatClientsAnswer): void => parentPort?.postMessage(answer);

const sendAll = async (address: string, isDecided: boolean): Promise<void> => {
  // Connections of its own, since a server closes those that are idle while bodies are made.
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  let next = 0;
  const sendInTurn = async (): Promise<void> => {
    for (let turn = turns[next++]; turn !== undefined; turn = turns[next++]) {
      const destination = await send(turn.body, { address, agent });
      const stored = isDecided ? store(turn, destination) : null;
      if (stored !== null) say(stored);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, sendInTurn));
  agent.destroy();
};

parentPort?.on('message', async (order: ChatClientsOrder) => {
  if (order.kind === 'prepare') turns = Array.from({ length: order.requests }, nextTurn);
  else await sendAll(order.address, order.isDecided);
  say({ kind: 'done' });
});
say({ kind: 'done' });
