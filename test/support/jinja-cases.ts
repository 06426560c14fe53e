import { readFileSync } from 'node:fs';
import { readJson } from '../../sidecar/prompt/api/json-reader.ts';
import { isJsonObject, type JsonObject } from '../../sidecar/prompt/api/json-value.ts';

/** One template of test/fixtures/jinja and what Python's jinja2 makes of it. */
export interface JinjaCase {
  readonly name: string;
  readonly source: string;
  readonly expected:
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'error' }
    | { readonly kind: 'refused' };
}

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/jinja/${name}`, import.meta.url), 'utf8');

/** Instant that `strftime_now` shows in the recorded expectations, in UTC. */
export const recordedNowMs = 1_786_000_000_000;

const parseObject = (text: string): JsonObject => {
  const reading = readJson(text);
  if (reading.kind !== 'whole' || !isJsonObject(reading.value)) throw new Error('no JSON object');
  return reading.value;
};

/** Variables that all cases see. */
export const jinjaVariables = (): JsonObject => parseObject(fixture('variables.json'));

/** Same reading of cases.txt as in record.py. */
const readSources = (text: string): readonly { readonly name: string; readonly source: string }[] => {
  const cases: { name: string; source: string }[] = [];
  let group: string | null = null;
  let open: { name: string; lines: string[] } | null = null;
  const close = () => {
    if (open !== null) cases.push({ name: open.name, source: open.lines.join('\n') });
    open = null;
  };
  for (const line of text.split('\n')) {
    if (line.startsWith('=== ') || line.startsWith('*** ')) {
      close();
      group = line.startsWith('*** ') ? line.slice(4) : null;
      if (group === null) open = { name: line.slice(4), lines: [] };
    } else if (group !== null && line !== '') {
      const source: unknown = line.startsWith('@json ') ? JSON.parse(line.slice(6)) : line;
      cases.push({ name: `${group}: ${line}`, source: String(source) });
    } else open?.lines.push(line);
  }
  close();
  return cases;
};

/** All recorded cases. */
export const jinjaCases = (): readonly JinjaCase[] => {
  const expectations = parseObject(fixture('expected.json'));
  return readSources(fixture('cases.txt')).map(({ name, source }) => {
    const expectation = expectations.get(name);
    if (!isJsonObject(expectation)) throw new Error(`nothing is recorded for: ${name}`);
    const text = expectation.get('text');
    if (typeof text === 'string') return { name, source, expected: { kind: 'text', text } };
    return { name, source, expected: { kind: expectation.has('error') ? 'error' : 'refused' } };
  });
};
