// Draws the import picture of docs/ARCHITECTURE.md from dependency-cruiser's JSON on stdin, between two marker lines.
// With --check it changes nothing and fails when the picture in the file is another one.
import { readFileSync, writeFileSync } from 'node:fs';
import { json } from 'node:stream/consumers';

const file = 'docs/ARCHITECTURE.md';
const begin = '<!-- rooms:begin (npm run picture) -->';
const end = '<!-- rooms:end -->';

const { modules } = await json(process.stdin);
const roomOf = (path) => /^sidecar\/([^/]+)\//.exec(path)?.[1];
const edges = new Set();
for (const { source, dependencies } of modules) {
  const from = roomOf(source);
  for (const { resolved } of dependencies) {
    const to = roomOf(resolved);
    if (from !== undefined && to !== undefined && from !== to) edges.add(`${from} --> ${to}`);
  }
}
// Everything imports core and app imports everything: drawn, these would hide the rest.
const shown = [...edges].filter((edge) => !edge.endsWith(' core') && !edge.startsWith('app ')).sort();
if (shown.length === 0) throw new Error('no import between rooms was seen');
const picture = ['```mermaid', 'flowchart LR', ...shown.map((edge) => `  ${edge}`), '```'].join('\n');

const text = readFileSync(file, 'utf8');
const from = text.indexOf(begin);
const to = text.indexOf(end);
if (from < 0 || to < from) throw new Error(`${file} has no picture markers`);
const next = `${text.slice(0, from)}${begin}\n${picture}\n${text.slice(to)}`;
if (process.argv.includes('--check')) {
  if (next !== text) {
    console.error(`${file}: the picture differs from the code; run npm run picture`);
    process.exit(1);
  }
  console.log(`picture: ${shown.length} arrows, as drawn`);
} else if (next !== text) {
  writeFileSync(file, next);
  console.log(`picture: drew ${shown.length} arrows`);
}
