/**
 * `npm run reliability [-- --only ID] [-- --small]`
 *
 * Runs the fault scenarios with the sidecar's default waits and writes docs/RELIABILITY.md from what was measured; about six
 * minutes. `--only` and `--small` (the form that `npm test` runs) print and write nothing. Exits with 1, and writes nothing,
 * where a promise was not kept.
 */

import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from '../bench/report.ts';
import { type FaultFigures, measureScenario } from '../support/faults/measure-scenario.ts';
import { fullRun, smallRun } from '../support/faults/run-size.ts';
import { faultScenarios } from '../support/faults/scenarios.ts';
import { violationsOf } from '../support/faults/violations.ts';
import { renderPage } from './page.ts';

const { values } = parseArgs({
  options: { only: { type: 'string' }, small: { type: 'boolean', default: false } },
});
const chosen = faultScenarios.filter(({ id }) => values.only === undefined || id === values.only);
if (chosen.length === 0) {
  process.stderr.write(
    `no scenario is named ${values.only}; there are ${faultScenarios.map(({ id }) => id).join(', ')}\n`,
  );
  process.exit(64);
}

const [otherLoad = 0] = loadavg();
const measured: FaultFigures[] = [];
let broken = 0;
for (const scenario of chosen) {
  const figures = await measureScenario(scenario, values.small ? smallRun : fullRun);
  measured.push(figures);
  const violations = violationsOf(figures);
  broken += violations.length;
  const { scenario: _, ...shown } = figures;
  process.stdout.write(`${violations.length === 0 ? 'ok' : 'BROKEN'} ${scenario.id} ${JSON.stringify(shown)}\n`);
  for (const violation of violations) process.stdout.write(`  ${violation}\n`);
}

if (broken > 0) process.exit(1);
if (values.only === undefined && !values.small) {
  const facts = {
    machine: `${describeMachine()}, load average ${otherLoad.toFixed(1)} before the run`,
    date: new Date().toISOString().slice(0, 10),
    command: 'npm run reliability',
  };
  await writeFile(join(import.meta.dirname, '../../docs/RELIABILITY.md'), renderPage(measured, facts));
  process.stdout.write('docs/RELIABILITY.md is written\n');
}
