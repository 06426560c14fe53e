/**
 * Text → token ids on Qwen3's vocabulary, one document of 8 KB after the other, beside Hugging Face tokenizers and
 * fastokens where test/real/prompt/install.sh has been run. `new`: documents never seen, after others of their kind;
 * `seen`: the same ones again. Figures of CPU time are the ones to compare: other projects run in a process of their own.
 */

import { type ByteLevelBpe, createByteLevelBpe } from '../../../sidecar/prompt/tokenizer/byte-level-bpe.ts';
import { TokenArena } from '../../../sidecar/prompt/tokenizer/token-arena.ts';
import { type LineProgram, promptPython, startPython } from '../../real/prompt/python.ts';
import { piecesOf, readTokenizer, tinyQwen, written } from '../../support/tokenizer-shapes.ts';
import type { Benchmark, BenchmarkBody } from '../harness.ts';
import { qwen3Folder } from './qwen3.ts';
import { type TextKind, textsOf } from './texts.ts';

const DOCUMENTS = 60;
const CPU_FIGURE = 'million tokens a CPU-second';

type Age = 'new' | 'seen';

interface Documents {
  readonly warm: readonly string[];
  readonly texts: readonly string[];
}

/** Tokens and CPU time of all runs. */
class CpuFigure {
  #tokens = 0;
  #seconds = 0;

  add(tokens: number, seconds: number): void {
    this.#tokens += tokens;
    this.#seconds += seconds;
  }

  figures(): Readonly<Record<string, number>> {
    return { [CPU_FIGURE]: this.#tokens / this.#seconds / 1e6 };
  }
}

const ownBody = (core: 'plain' | 'wasm', age: Age, documents: Documents, tokenizerJson: unknown): BenchmarkBody => {
  const [warm, texts] = [documents.warm, documents.texts].map((list) => list.map((text) => Buffer.from(text)));
  const arena = new TokenArena();
  const figure = new CpuFigure();
  const create = (): ByteLevelBpe => {
    const result = createByteLevelBpe(written(tokenizerJson), { core });
    if (result.kind === 'unsupported') throw new Error(result.reason);
    result.tokenizer.warm();
    encodeAll(result.tokenizer, warm ?? []);
    return result.tokenizer;
  };
  const encodeAll = (tokenizer: ByteLevelBpe, list: readonly Uint8Array[]): number => {
    let tokens = 0;
    for (const text of list) {
      arena.truncate(0);
      tokenizer.encodeUtf8(text, arena);
      tokens += arena.length;
    }
    return tokens;
  };
  let tokenizer = create();
  const run = (): number => {
    const before = process.cpuUsage();
    const tokens = encodeAll(tokenizer, texts ?? []);
    const { user, system } = process.cpuUsage(before);
    figure.add(tokens, (user + system) / 1e6);
    return tokens;
  };
  const body = { name: `own, ${core}`, run, figures: () => figure.figures() };
  if (age === 'seen') return body;
  return {
    ...body,
    reset: () => {
      tokenizer = create();
    },
  };
};

const ask = async (program: LineProgram, question: unknown): Promise<{ tokens: number; cpuSeconds: number }> => {
  const answer = await program.ask(question);
  const { tokens, cpuSeconds } = Object(answer);
  return { tokens: Number(tokens), cpuSeconds: Number(cpuSeconds) };
};

const foreignBody = async (library: string, age: Age, program: LineProgram): Promise<BenchmarkBody> => {
  const figure = new CpuFigure();
  await ask(program, 'reset');
  let isFirst = true;
  return {
    name: library,
    // A new tokenizer is made within the run, since putting back cannot wait; its time is not in the CPU figure.
    run: async () => {
      if (age === 'new' && !isFirst) await ask(program, 'reset');
      const { tokens, cpuSeconds } = await ask(program, 'run');
      if (age === 'new' || !isFirst) figure.add(tokens, cpuSeconds);
      isFirst = false;
      return tokens;
    },
    figures: () => figure.figures(),
  };
};

const setup = async (kind: TextKind, age: Age, isSmoke: boolean) => {
  const path = `${qwen3Folder}/tokenizer.json`;
  const tokenizerJson = isSmoke ? tinyQwen : readTokenizer(path);
  const count = isSmoke ? 2 : DOCUMENTS;
  const all = textsOf(kind, { documents: count * 2, vocabulary: piecesOf(tokenizerJson) });
  const documents = { warm: all.slice(0, count), texts: all.slice(count) };
  const cores = ['wasm', 'plain'] as const;
  const bodies = cores.map((core) => ownBody(core, age, documents, tokenizerJson));
  const python = isSmoke ? null : promptPython();
  if (!isSmoke && python === null) console.error('SKIPPED tokenizers, fastokens: run test/real/prompt/install.sh');
  const programs: LineProgram[] = [];
  for (const library of python === null ? [] : ['tokenizers', 'fastokens', 'fastokens-flat']) {
    const program = startPython(python ?? '', 'encode_timed.py', [library, path]);
    programs.push(program);
    await program.ask(documents);
    bodies.push(await foreignBody(library, age, program));
  }
  return {
    baseline: 'own, plain',
    bodies,
    dispose: async () => {
      for (const program of programs) await program[Symbol.asyncDispose]();
    },
  };
};

const compare = (kind: TextKind, age: Age): Benchmark => ({
  name: `tokenize ${age} ${kind}`,
  unit: 'document',
  unitsPerCall: DOCUMENTS,
  setup: ({ isSmoke }) => setup(kind, age, isSmoke),
});

const kinds: readonly TextKind[] = ['english', 'code', 'cjk'];

/** Three kinds of text, never seen and seen. */
export const benchmarks: readonly Benchmark[] = kinds.flatMap((kind) => [compare(kind, 'new'), compare(kind, 'seen')]);
