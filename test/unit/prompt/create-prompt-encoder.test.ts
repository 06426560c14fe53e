import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createPromptEncoder, parseRequest, type RemoteTokenizer } from '../../../sidecar/prompt/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { encodeBody, idsOf, tinyQwenEncoder, tinyQwenModel } from '../../support/tiny-qwen.ts';
import { withLeadingToken } from '../../support/tokenizer-shapes.ts';

const modelFile = (name: string) => readFileSync(join(tinyQwenModel, name), 'utf8');
const chat = (body: object) => ({
  path: '/v1/chat/completions',
  body: Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'Hello there' }], ...body })),
});

const wordPiece = {
  version: '1.0',
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: null,
  decoder: null,
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: { '[UNK]': 0, hello: 1, '##s': 2, world: 3 },
  },
};

describe('which path an encoder takes', () => {
  it('is the own implementations where they take the files', async () => {
    const encoder = await createPromptEncoder({ folder: tinyQwenModel });

    expect([encoder.path, encoder.pathReason]).toEqual(['exact', null]);
  });

  it('is the package for other kinds of vocabulary, with the reason', async () => {
    await using folder = await temporaryFolder({
      'tokenizer.json': JSON.stringify(wordPiece),
      'chat_template.jinja': '{{ messages[0].content }}',
    });

    const encoder = await createPromptEncoder({ folder: folder.path });

    expect(encoder.path).toBe('package');
    expect(encoder.pathReason).toMatch(/WordPiece/);
    const body = Buffer.from('{"prompt":"hellos world"}');
    expect(idsOf(await encodeBody(encoder, { path: '/v1/completions', body }))).toEqual([[1, 2, 3]]);
  });

  it('is the package for a template that the own compiler does not take', async () => {
    const chatTemplate = "{{- messages[0].content -}}{%- if false -%}{{ '\\ud83d' }}{%- endif -%}";

    const encoder = await createPromptEncoder({ folder: tinyQwenModel, chatTemplate });

    expect(encoder.path).toBe('package');
    expect(encoder.pathReason).toMatch(/surrogate/);
    expect(idsOf(await encodeBody(encoder, chat({})))).not.toBeNull();
  });

  it.each([
    [{}, /no tokenizer.json/],
    [{ 'tokenizer.json': '{' }, /not JSON/],
    [{ 'tokenizer.json': '{"model":{"type":"Odd"}}' }, /Odd/],
    [{ 'tokenizer.json': modelFile('tokenizer.json'), 'chat_template.jinja': '{% if %}' }, /template/],
  ])('is chunks of text where the folder cannot be used, with the reason: %#', async (files, reason) => {
    await using folder = await temporaryFolder(files);

    const encoder = await createPromptEncoder({ folder: folder.path });

    expect(encoder.path).toBe('text-chunks');
    expect(encoder.pathReason).toMatch(reason);
  });

  it('is an engine where one can be asked and the folder cannot be used', async () => {
    const remote: RemoteTokenizer = { tokenize: async () => [{ tokenIds: Int32Array.of(7, 8), multimodal: [] }] };

    const encoder = await createPromptEncoder({ folder: null, remote });

    expect(encoder.path).toBe('remote');
    expect(idsOf(await encodeBody(encoder, chat({})))).toEqual([[7, 8]]);
  });
});

describe('a model’s files', () => {
  it('may hold the chat template in the configuration, one for tools apart', async () => {
    await using folder = await temporaryFolder({
      'tokenizer.json': modelFile('tokenizer.json'),
      'tokenizer_config.json': JSON.stringify({
        chat_template: [
          { name: 'default', template: 'plain {{ eos_token }}' },
          { name: 'tool_use', template: 'tools {{ eos_token }}' },
        ],
        eos_token: { content: '<|im_end|>' },
      }),
    });
    const encoder = await createPromptEncoder({ folder: folder.path });
    const expected = async (prompt: string) =>
      idsOf(await encodeBody(encoder, { path: '/v1/completions', body: Buffer.from(JSON.stringify({ prompt })) }));

    const tools = [{ type: 'function', function: { name: 'f' } }];
    expect(idsOf(await encodeBody(encoder, chat({})))).toEqual(await expected('plain <|im_end|>'));
    expect(idsOf(await encodeBody(encoder, chat({ tools })))).toEqual(await expected('tools <|im_end|>'));
  });

  it('may hold no chat template: conversations are then unknown, texts are not', async () => {
    await using folder = await temporaryFolder({ 'tokenizer.json': modelFile('tokenizer.json') });
    const encoder = await createPromptEncoder({ folder: folder.path });

    expect(await encodeBody(encoder, chat({}))).toEqual({ kind: 'unknown', why: 'no-template' });
    const body = Buffer.from('{"prompt":"hi"}');
    expect((await encodeBody(encoder, { path: '/v1/completions', body })).kind).toBe('encoded');
  });
});

describe('special tokens that the tokenizer adds', () => {
  const encoderWithBos = async (folder: string) => createPromptEncoder({ folder });
  const files = () => ({
    'tokenizer.json': withLeadingToken(modelFile('tokenizer.json')),
    'chat_template.jinja': '{{ messages[0].content }}',
  });
  const completion = (body: object) => ({ path: '/v1/completions', body: Buffer.from(JSON.stringify(body)) });

  it('stand in front of completions, but not of conversations or given ids', async () => {
    await using folder = await temporaryFolder(files());
    const encoder = await encoderWithBos(folder.path);
    const own =
      idsOf(await encodeBody(encoder, completion({ prompt: 'Hello there', add_special_tokens: false })))?.[0] ?? [];

    expect(idsOf(await encodeBody(encoder, completion({ prompt: 'Hello there' })))).toEqual([[12000, ...own]]);
    expect(idsOf(await encodeBody(encoder, chat({})))).toEqual([own]);
    expect(idsOf(await encodeBody(encoder, chat({ add_special_tokens: true })))).toEqual([[12000, ...own]]);
    expect(idsOf(await encodeBody(encoder, completion({ prompt: [5] })))).toEqual([[5]]);
  });

  it('are spared by truncation unless a side is named', async () => {
    await using folder = await temporaryFolder(files());
    const encoder = await encoderWithBos(folder.path);
    const prompt = 'one two three four';
    const ids = idsOf(await encodeBody(encoder, completion({ prompt })))?.[0] ?? [];

    expect(idsOf(await encodeBody(encoder, completion({ prompt, truncate_prompt_tokens: 3 })))).toEqual([
      [12000, ...ids.slice(-2)],
    ]);
    expect(
      idsOf(await encodeBody(encoder, completion({ prompt, truncate_prompt_tokens: 3, truncation_side: 'left' }))),
    ).toEqual([ids.slice(-3)]);
    expect(
      idsOf(await encodeBody(encoder, completion({ prompt, truncate_prompt_tokens: 3, truncation_side: 'right' }))),
    ).toEqual([ids.slice(0, 3)]);
  });

  it('stand in front of a cut completion', async () => {
    await using folder = await temporaryFolder(files());
    const encoder = await encoderWithBos(folder.path);
    const body = Buffer.from('{"prompt":"one two three four fi');

    const cut = await encodeBody(encoder, { path: '/v1/completions', body, isComplete: false });

    expect(idsOf(cut)?.[0]?.[0]).toBe(12000);
  });
});

describe('what makes a prompt’s blocks its own', () => {
  it('is adapter, salt and images with their places', async () => {
    const encoder = await tinyQwenEncoder();
    const body = Buffer.from(
      JSON.stringify({
        token_ids: [1, 2, 3, 4, 5],
        cache_salt: 's',
        features: {
          mm_hashes: { image: ['b', 'a'] },
          mm_placeholders: {
            image: [
              { offset: 3, length: 2 },
              { offset: 0, length: 1 },
            ],
          },
        },
      }),
    );
    const parsed = parseRequest({ path: '/inference/v1/generate', body, isComplete: true });

    const encoded = await encoder.encode(parsed, { loraName: 'adapter' });

    expect(encoded.kind === 'encoded' && encoded.sequences[0]?.identity).toEqual({
      loraName: 'adapter',
      salt: 's',
      multimodal: [
        { identifier: 'a', offset: 0, length: 1 },
        { identifier: 'b', offset: 3, length: 2 },
      ],
    });
  });

  it('is not known of ids outside the vocabulary', async () => {
    const body = Buffer.from('{"prompt":[1,99999999]}');

    expect(await encodeBody(await tinyQwenEncoder(), { path: '/v1/completions', body })).toEqual({
      kind: 'unknown',
      why: 'invalid-prompt',
    });
  });
});

describe('a conversation with an image', () => {
  const text = 'Please look at the following picture very carefully and say what you see in it now';
  const withImage = [
    { type: 'text', text },
    { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
    { type: 'text', text: 'after' },
  ];

  it.each([
    ['tiny-qwen', true],
    // Where content is one string, the engine puts the placeholder in front of the text.
    ['tiny-qwen-string', false],
  ])('is known up to the image with the template %s', async (template, isTextKnown) => {
    const encoder = await tinyQwenEncoder(template);
    const system = {
      role: 'system',
      content: 'You describe pictures in short and plain words for the blind.\nBe kind.',
    };
    const whole = await encodeBody(encoder, chat({ messages: [system, { role: 'user', content: text }] }));
    const shown = await encodeBody(encoder, chat({ messages: [system, { role: 'user', content: withImage }] }));

    const [expected = []] = idsOf(whole) ?? [];
    const [known = []] = idsOf(shown) ?? [];
    expect(shown.kind === 'encoded' && shown.sequences[0]?.isWhole).toBe(false);
    expect(known).toEqual(expected.slice(0, known.length));
    expect(known.length).toBeGreaterThan(isTextKnown ? 35 : 15);
    expect(known.length < 30).toBe(!isTextKnown);
  });

  it('may not be made of given ids', async () => {
    const encoder = await tinyQwenEncoder();
    const body = { messages: [{ role: 'user', content: withImage }], kv_transfer_params: { prompt_token_ids: [1, 2] } };

    const encoded = await encodeBody(encoder, chat(body));

    expect(encoded.kind === 'encoded' && encoded.sequences[0]?.isWhole).toBe(false);
  });
});

describe('chunks of text', () => {
  const chunks = async (messages: readonly object[]) =>
    idsOf(await encodeBody(await createPromptEncoder({ folder: null }), chat({ messages })))?.[0] ?? [];

  it('begin alike where conversations do', async () => {
    const first = { role: 'user', content: 'The same beginning of both conversations' };
    const one = await chunks([first, { role: 'assistant', content: 'one' }]);
    const other = await chunks([first, { role: 'assistant', content: 'another' }]);
    const shared = one.findIndex((id, index) => other[index] !== id);

    expect(shared).toBeGreaterThan(8);
    expect(one).not.toEqual(other);
  });
});
