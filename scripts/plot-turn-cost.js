// Measures what each turn of a chat costs from a body's bytes to the keys of its blocks, with and without memory of the
// conversation, and draws docs/turn-cost.svg. Usage: node scripts/plot-turn-cost.js [turns]
import { writeFileSync } from 'node:fs';
import { computeBlockKeys, processKeySeed } from '../sidecar/kvindex/index.ts';
import { createPromptEncoder, createRequestReader, parseRequest } from '../sidecar/prompt/index.ts';
import { englishCorpus } from '../test/bench/prompt/chats.ts';
import { qwen3Folder } from '../test/bench/prompt/qwen3.ts';

const turns = Number(process.argv[2] ?? 200);
const chats = 7;
const questionLength = 500;
const answerLength = 1500;
const path = '/v1/chat/completions';

const encoder = await createPromptEncoder({ folder: qwen3Folder });
const reader = createRequestReader();
const corpus = englishCorpus();
let at = 0;
const text = (length) => {
  at = (at + 7919) % (corpus.length - length);
  return corpus.slice(at, at + length).toWellFormed();
};

const costUs = (read, body) => {
  const startMs = performance.now();
  const prompt = encoder.encode(read({ path, body, isComplete: true }), { loraName: null });
  const [sequence] = prompt.sequences;
  const options = { blockSize: 16, seed: processKeySeed };
  if (sequence.blockKeys === undefined) {
    computeBlockKeys(sequence.tokenIds, { ...options, identity: sequence.identity });
  } else sequence.blockKeys(options);
  return (performance.now() - startMs) * 1000;
};

const whole = Array.from({ length: turns }, () => []);
const remembered = Array.from({ length: turns }, () => []);
const bodyKilobytes = [];
// The first chats only warm up.
for (let chat = -3; chat < chats; chat += 1) {
  const messages = [];
  for (let turn = 0; turn < turns; turn += 1) {
    if (turn > 0) messages.push({ role: 'assistant', content: text(answerLength) });
    messages.push({ role: 'user', content: text(questionLength) });
    const body = Buffer.from(JSON.stringify({ model: 'm', messages, stream: true }));
    const remember = () => costUs((request) => reader.read(request), body);
    // Who comes second finds the new text's words in the tokenizer's cache.
    const isFirst = chat % 2 === 0;
    const early = isFirst ? remember() : null;
    const without = costUs(parseRequest, body);
    const withMemory = early ?? remember();
    if (chat < 0) continue;
    remembered[turn].push(withMemory);
    whole[turn].push(without);
    bodyKilobytes[turn] = body.length / 1000;
  }
}

/** Other work on the machine only ever adds: the second fastest of all chats is taken. */
const typical = (values) => values.toSorted((a, b) => a - b)[1];
const series = [
  { name: 'everything read again', color: '#b45309', values: whole.map(typical) },
  { name: 'conversation remembered', color: '#1d4ed8', values: remembered.map(typical) },
];

const width = 760;
const height = 400;
const margin = { left: 64, right: 20, top: 44, bottom: 48 };
const highestUs = Math.ceil(Math.max(...series.flatMap(({ values }) => values)) / 1000) * 1000;
const x = (turn) => margin.left + ((width - margin.left - margin.right) * (turn - 1)) / (turns - 1);
const y = (us) => height - margin.bottom - ((height - margin.top - margin.bottom) * us) / highestUs;
const round = (value) => Math.round(value * 10) / 10;
const line = ({ values, color }) => {
  const points = values.map((us, turn) => `${round(x(turn + 1))},${round(y(us))}`).join(' ');
  return `<polyline fill="none" stroke="${color}" stroke-width="2" points="${points}"/>`;
};
const steps = Array.from({ length: 5 }, (_, step) => (highestUs / 4) * step);
const grid = steps.map(
  (us) =>
    `<line x1="${margin.left}" x2="${width - margin.right}" y1="${round(y(us))}" y2="${round(y(us))}" stroke="#ddd"/>` +
    `<text x="${margin.left - 8}" y="${round(y(us)) + 4}" text-anchor="end">${us / 1000} ms</text>`,
);
const ticks = [1, ...Array.from({ length: 4 }, (_, tick) => Math.round((turns / 4) * (tick + 1)))].map(
  (turn) => `<text x="${round(x(turn))}" y="${height - margin.bottom + 18}" text-anchor="middle">${turn}</text>`,
);
const legend = series.map(
  ({ name, color }, row) =>
    `<text x="${margin.left + 12}" y="${margin.top + 14 + row * 18}" fill="${color}">${name}</text>`,
);
const title = `From body to block keys, by turn: ${questionLength} + ${answerLength} characters a turn, ${Math.round(bodyKilobytes.at(-1))} KB at the last`;
writeFileSync(
  new URL('../docs/turn-cost.svg', import.meta.url),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="white"/>
<text x="${margin.left}" y="24" font-size="14">${title}</text>
${[...grid, ...ticks, ...series.map(line), ...legend].join('\n')}
<text x="${(width + margin.left) / 2}" y="${height - 10}" text-anchor="middle">turn</text>
</svg>
`,
);
for (const turn of [1, 2, 10, 50, 100, 150, 200].filter((number) => number <= turns)) {
  const [without, withMemory] = series.map(({ values }) => Math.round(values[turn - 1]));
  console.log(
    `turn ${turn}: ${Math.round(bodyKilobytes[turn - 1])} KB, ${without} µs read whole, ${withMemory} µs remembered`,
  );
}
