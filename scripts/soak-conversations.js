// Sends random chats through the memory of conversations and watches the process's memory: first 1,000 conversations of
// 170 KB that stay warm, then turns of random chats for as long as asked. Fails where memory goes on growing, or where a
// prompt is not what it is from scratch. Usage: node --expose-gc scripts/soak-conversations.js [minutes, default 1]
import { computeBlockKeys, processKeySeed } from '../sidecar/kvindex/index.ts';
import { createPromptEncoder, createRequestReader, parseRequest } from '../sidecar/prompt/index.ts';
import { createChats, englishCorpus } from '../test/bench/prompt/chats.ts';
import { qwen3Folder } from '../test/bench/prompt/qwen3.ts';

const minutes = Number(process.argv[2] ?? 1);
const path = '/v1/chat/completions';
const options = { blockSize: 16, seed: processKeySeed };
const encoder = await createPromptEncoder({ folder: qwen3Folder });
const corpus = englishCorpus();
const megabytes = (bytes) => Math.round(bytes / 2 ** 20);

const memory = () => {
  global.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: heapUsed + external, rss };
};

const keysOf = (read, body) => {
  const prompt = encoder.encode(read({ path, body, isComplete: true }), { loraName: null });
  const [sequence] = prompt.sequences;
  return (
    sequence.blockKeys?.(options) ?? computeBlockKeys(sequence.tokenIds, { ...options, identity: sequence.identity })
  );
};

const isSame = (a, b) =>
  a.count === b.count && a.lo.subarray(0, a.count).every((lo, at) => lo === b.lo[at] && a.hi[at] === b.hi[at]);

const before = memory();
let warm = createRequestReader({ maxMemoryBytes: 2 ** 30 });
for (let chat = 0; chat < 1000; chat += 1) {
  const text = (turn) => {
    const start = (chat * 7919 + turn * 4099) % (corpus.length - 4100);
    return corpus.slice(start, start + 4100).toWellFormed();
  };
  const messages = Array.from({ length: 41 }, (_, turn) => ({
    role: turn % 2 === 0 ? 'user' : 'assistant',
    content: text(turn),
  }));
  keysOf((request) => warm.read(request), Buffer.from(JSON.stringify({ model: 'm', messages })));
}
const after = memory();
console.log(
  `1,000 conversations of 170 KB: ${megabytes(after.used - before.used)} MB more in use (estimate ${megabytes(warm.figures.memoryBytes)} MB)`,
);
warm = null;

const reader = createRequestReader({ maxMemoryBytes: 64 * 2 ** 20 });
const chats = createChats({
  conversations: 2000,
  messageLength: 1300,
  maxMessages: 40,
  regenerated: 0.1,
  withTools: 0.5,
  corpus,
});
const endMs = performance.now() + minutes * 60_000;
const samples = [];
let turns = 0;
let nextSampleMs = performance.now();
while (performance.now() < endMs) {
  const body = chats.nextBody();
  const keys = keysOf((request) => reader.read(request), body);
  turns += 1;
  if (turns % 100 === 0 && !isSame(keys, keysOf(parseRequest, body))) {
    console.error(`turn ${turns} is not what it is from scratch`);
    process.exit(1);
  }
  if (performance.now() < nextSampleMs) continue;
  nextSampleMs = performance.now() + (minutes * 60_000) / 20;
  samples.push(memory().used);
}
const half = samples.slice(Math.floor(samples.length / 2));
const growth = Math.max(...half) - Math.min(...half);
console.log(
  `${turns} turns, ${reader.figures.conversations} conversations kept (${megabytes(reader.figures.memoryBytes)} MB by estimate), ` +
    `${megabytes(samples.at(-1))} MB in use at the end, within ${megabytes(growth)} MB over the second half`,
);
if (growth > 64 * 2 ** 20) process.exit(1);
