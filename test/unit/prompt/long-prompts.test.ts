import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { silentLogger, systemClock } from '../../../sidecar/core/index.ts';
import { readModelFiles } from '../../../sidecar/prompt/encoder/model-files.ts';
import { describeTemplate } from '../../../sidecar/prompt/encoder/model-template.ts';
import { createLocalEncoder } from '../../../sidecar/prompt/encoder/prompt-encoder.ts';
import { createPromptEncoder, type PromptEncoder, parseRequest } from '../../../sidecar/prompt/index.ts';
import { compileChatTemplate } from '../../../sidecar/prompt/template/index.ts';
import { createByteLevelBpe } from '../../../sidecar/prompt/tokenizer/byte-level-bpe.ts';
import { readTokenizerJson } from '../../../sidecar/prompt/tokenizer/tokenizer-json.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { idsOf, tinyQwenModel } from '../../support/tiny-qwen.ts';
import { withLeadingToken } from '../../support/tokenizer-shapes.ts';

const tokenizerFile = withLeadingToken(readFileSync(`${tinyQwenModel}/tokenizer.json`, 'utf8'));
const template = readFileSync(`${tinyQwenModel}/chat_template.jinja`, 'utf8');

const plainEncoder = async (folder: string): Promise<PromptEncoder> => {
  const outcome = createByteLevelBpe(readTokenizerJson(Buffer.from(tokenizerFile)));
  if (outcome.kind !== 'supported') throw new Error(outcome.reason);
  const { specialTokens } = await readModelFiles(folder);
  const compiled = compileChatTemplate(template, { clock: systemClock });
  if (compiled.kind !== 'compiled') throw new Error(compiled.reason);
  const described = describeTemplate(template, compiled.template, specialTokens);
  return createLocalEncoder({
    tokenizer: outcome.tokenizer,
    templates: { plain: described, withTools: described },
    specialTokens,
    defaults: { templateVariables: new Map(), excludesToolsWhenNoneChosen: false },
    path: 'exact',
    pathReason: null,
    clock: systemClock,
    logger: silentLogger,
  });
};

const makeEncoders = async (): Promise<readonly [PromptEncoder, PromptEncoder]> => {
  await using folder = await temporaryFolder({ 'tokenizer.json': tokenizerFile, 'chat_template.jinja': template });
  return Promise.all([createPromptEncoder({ folder: folder.path }), plainEncoder(folder.path)]);
};
let made: ReturnType<typeof makeEncoders> | undefined;

/** The product's encoder, and one that knows no slices. */
const encoders = (): ReturnType<typeof makeEncoders> => {
  made ??= makeEncoders();
  return made;
};

const long = Array.from({ length: 4000 }, (_, at) => `Line ${at}: it's 1,234 naïve words, 漢字 too.\n`).join('');
const user = { role: 'user', content: long };
const wholeBody = (body: object) => Buffer.from(JSON.stringify(body));
const cutBody = (body: object) => wholeBody(body).subarray(0, -9);

describe('many prompts', () => {
  it('are encoded with turns for others in between', async () => {
    const [encoder] = await encoders();
    const body = wholeBody({ prompt: Array.from({ length: 4000 }, (_, at) => long.slice(at, at + 400)) });
    const parsed = parseRequest({ path: '/v1/completions', body, isComplete: true });
    let turnsOfOthers = 0;
    const others = setInterval(() => (turnsOfOthers += 1), 0);
    const prompt = await encoder.encode(parsed, { loraName: null, mayWait: true });
    clearInterval(others);
    expect(idsOf(prompt)).toHaveLength(4000);
    expect(turnsOfOthers).toBeGreaterThan(1);
  });
});

describe('a long prompt', () => {
  it.each([
    { what: 'a completion', path: '/v1/completions', body: wholeBody({ prompt: long }), isComplete: true },
    {
      what: 'two completions',
      path: '/v1/completions',
      body: wholeBody({ prompt: [long, 'x', `y${long}`] }),
      isComplete: true,
    },
    { what: 'a response', path: '/v1/responses', body: wholeBody({ input: [user] }), isComplete: true },
    {
      what: 'a chat with special tokens',
      path: '/v1/chat/completions',
      body: wholeBody({ messages: [user], add_special_tokens: true }),
      isComplete: true,
    },
    { what: 'a cut completion', path: '/v1/completions', body: cutBody({ prompt: long }), isComplete: false },
    { what: 'a cut chat', path: '/v1/chat/completions', body: cutBody({ messages: [user, user] }), isComplete: false },
    {
      what: 'a cut chat without a border near its end',
      path: '/v1/chat/completions',
      body: cutBody({ messages: [{ role: 'user', content: `${long}${'漢'.repeat(3000)}` }] }),
      isComplete: false,
    },
  ])('is encoded in slices as in one go: $what', async ({ path, body, isComplete }) => {
    const [encoder, plain] = await encoders();
    const parsed = parseRequest({ path, body, isComplete });
    const waiting = encoder.encode(parsed, { loraName: null, mayWait: true });
    expect(waiting).toBeInstanceOf(Promise);
    const prompt = await waiting;
    const expected = await plain.encode(parsed, { loraName: null });
    expect(idsOf(prompt)?.[0]?.length).toBeGreaterThan(20_000);
    expect(idsOf(prompt)).toEqual(idsOf(expected));
    if (prompt.kind !== 'encoded' || expected.kind !== 'encoded') throw new Error('no prompt');
    expect(prompt.sequences.map(({ certainTokens }) => certainTokens)).toEqual(
      expected.sequences.map(({ certainTokens }) => certainTokens),
    );
    expect(encoder.encode(parsed, { loraName: null })).toEqual(prompt);
  });
});
