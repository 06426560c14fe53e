/**
 * `node test/contract/extproc/run.ts ADDRESS ENDPOINT ENDPOINT [--insecure]`
 *
 * Plays every vector against the endpoint picker at ADDRESS (`host:port`), whose pool holds the two endpoints, and prints
 * one line a rule. Exit code 1 where one is broken.
 */

import { parseArgs } from 'node:util';
import { playVector } from './conformance.ts';
import { loadVectors } from './vectors.ts';

const deadlineMs = 5_000;

const { positionals, values } = parseArgs({ allowPositionals: true, options: { insecure: { type: 'boolean' } } });
const [address, first, second] = positionals;
if (address === undefined || first === undefined || second === undefined) {
  process.stderr.write('usage: run.ts ADDRESS ENDPOINT ENDPOINT [--insecure]\n');
  process.exit(64);
}
const connection = values.insecure === true ? ({ address, tls: 'insecure' } as const) : { address };

const late = (): Promise<never> =>
  new Promise((_, reject) =>
    setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs).unref(),
  );

let broken = 0;
for (const { file, vectors } of loadVectors()) {
  for (const vector of vectors) {
    try {
      await Promise.race([playVector(vector, { connection, endpoints: [first, second] }), late()]);
      process.stdout.write(`ok     ${file}: ${vector.name}\n`);
    } catch (failure) {
      broken += 1;
      const why = failure instanceof Error ? failure.message : String(failure);
      process.stdout.write(`BROKEN ${file}: ${vector.name}\n       ${why}\n       rule: ${vector.rule}\n`);
    }
  }
}
process.exit(broken === 0 ? 0 : 1);
