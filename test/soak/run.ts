/**
 * `npm run soak [-- index] [-- conversations] [-- --minutes 10]`
 *
 * Runs what is named, else all, for so many minutes each (default 10), and exits with 1 and the reasons where memory goes on
 * growing, the index drifts from the engines, or a prediction is wrong.
 */

import { parseArgs } from 'node:util';
import { describeMachine } from '../bench/report.ts';
import { conversationSoak } from './conversation-soak.ts';
import { indexSoak } from './index-soak.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '10' } },
});
const minutes = Number(values.minutes);
const all = [indexSoak, conversationSoak];
const chosen = all.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
if (chosen.length < Math.max(1, positionals.length) || !(minutes > 0)) {
  process.stderr.write(`names are ${all.map(({ name }) => name).join(', ')}; --minutes must be above 0\n`);
  process.exit(64);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
print(describeMachine());
let isBroken = false;
for (const soak of chosen) {
  print(`== ${soak.name}, ${minutes} min`);
  const reasons = await soak.run({ minutes, print });
  for (const reason of reasons) process.stderr.write(`${soak.name}: ${reason}\n`);
  isBroken ||= reasons.length > 0;
  print(reasons.length === 0 ? `ok ${soak.name}` : `FAILED ${soak.name}`);
}
process.exit(isBroken ? 1 : 0);
