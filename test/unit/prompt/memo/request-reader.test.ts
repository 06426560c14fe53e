import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { computeBlockKeys, processKeySeed } from '../../../../sidecar/kvindex/index.ts';
import { createRequestReader, parseRequest } from '../../../../sidecar/prompt/index.ts';
import type { EncodedPrompt, ParsedRequest } from '../../../../sidecar/prompt/types.ts';
import { anthropicShape, RandomChats, responsesShape } from '../../../support/random-chats.ts';
import { tinyQwenEncoder } from '../../../support/tiny-qwen.ts';

const path = '/v1/chat/completions';
const seed = processKeySeed;
/** Turns of the proof; `WARMROUTE_MEMO_TURNS` runs more. */
const turns = Number(process.env['WARMROUTE_MEMO_TURNS'] ?? 1500);

const settled = (prompt: EncodedPrompt | Promise<EncodedPrompt>): EncodedPrompt => {
  if (prompt instanceof Promise) throw new Error('not synchronous');
  return prompt;
};

/** All that routing sees of a prompt. */
const seen = (prompt: EncodedPrompt, blockSizes: readonly number[]) => {
  if (prompt.kind === 'unknown') return prompt;
  return prompt.sequences.map((sequence) => ({
    identity: sequence.identity,
    isWhole: sequence.isWhole,
    certainTokens: sequence.certainTokens,
    tokens: sequence.tokenCount ?? sequence.tokenIds.length,
    keys: blockSizes.map((blockSize) => {
      const made = sequence.blockKeys?.({ blockSize, seed });
      const { identity } = sequence;
      const { count, lo, hi } = made ?? computeBlockKeys(sequence.tokenIds, { blockSize, seed, identity });
      return { count, lo: [...lo.subarray(0, count)], hi: [...hi.subarray(0, count)] };
    }),
    tokenIds: [...sequence.tokenIds],
  }));
};

const withoutPrompt = ({ prompt: _, ...rest }: ParsedRequest) => rest;

const requestOf = (body: Uint8Array, to = path) => ({ path: to, body, isComplete: true });
const conversationOf = ({ prompt }: ParsedRequest) => {
  const content = prompt?.source.content;
  if (content?.kind !== 'conversation') throw new Error('no conversation');
  return content.conversationFor({ wantsSystemFirst: false, effortOfNoThinking: 'none' });
};
const expectWhole = (parsed: ParsedRequest, body: Buffer, to = path): void => {
  const fresh = parseRequest(requestOf(body, to));
  expect(withoutPrompt(parsed)).toEqual(withoutPrompt(fresh));
  expect(conversationOf(parsed)).toEqual(conversationOf(fresh));
};

describe('requests read by memory', () => {
  it.each([
    { path, template: 'tiny-qwen' },
    { path: '/v1/messages', template: 'tiny-qwen', shape: anthropicShape },
    { path: '/v1/messages', template: 'system-first', shape: anthropicShape },
    { path: '/v1/responses', template: 'tiny-qwen', shape: responsesShape },
  ])(
    'are what they are from scratch, whatever clients do to their conversations: $path, $template',
    async (given) => {
      const { path, template, shape } = given;
      const encoder = await tinyQwenEncoder(template);
      const reader = createRequestReader({ maxMemoryBytes: 4_000_000 });
      const chats = new RandomChats({
        seed: 5,
        conversations: 40,
        longestWords: 60,
        ...(shape === undefined ? {} : { shape }),
      });
      const different: number[] = [];
      let encodedByTurn = 0;
      for (let turn = 0; turn < turns; turn += 1) {
        const { body, isComplete } = chats.next();
        const request = { path, body, isComplete };
        const remembered = reader.read(request);
        const fresh = parseRequest(request);
        if (remembered.prompt?.turn !== undefined) encodedByTurn += 1;
        const options = { loraName: turn % 7 === 0 ? 'adapter' : null };
        const blockSizes = turn % 11 === 0 ? [16, 48] : [16];
        const a = seen(settled(encoder.encode(remembered, options)), blockSizes);
        const b = seen(settled(encoder.encode(fresh, options)), blockSizes);
        const isSame = isDeepStrictEqual(withoutPrompt(remembered), withoutPrompt(fresh)) && isDeepStrictEqual(a, b);
        if (!isSame) different.push(turn);
        // The memory of a body is another's once it is decided.
        body.fill(0);
      }
      expect(different).toEqual([]);
      const { figures } = reader;
      expect(encodedByTurn).toBeGreaterThan(turns / 2);
      expect(figures.knownTurns).toBeGreaterThan(turns / 3);
      expect(figures.memoryBytes).toBeLessThanOrEqual(4_000_000);
    },
    600_000,
  );

  describe('in slices', () => {
    const messages = Array.from({ length: 80 }, (_, at) => ({
      role: at % 2 === 0 ? 'user' : 'assistant',
      content: `${at} ${'some words and more '.repeat(1000)}`,
    }));
    const longBody = (name: string, count = messages.length): Buffer =>
      Buffer.from(
        JSON.stringify({ model: 'm', messages: [{ role: 'system', content: name }, ...messages.slice(0, count)] }),
      );
    it('are read with their turn for others in between, and remembered', async () => {
      const reader = createRequestReader();
      const bodies = ['one', 'other'].map((name) => longBody(name));
      const readings = bodies.map((body) => reader.readInSlices(requestOf(body)));
      let turnsOfOthers = 0;
      const others = setInterval(() => (turnsOfOthers += 1), 0);
      for (const [at, reading] of readings.entries()) {
        expect(reading).toBeInstanceOf(Promise);
        const parsed = await reading;
        expectWhole(parsed, bodies[at] ?? Buffer.alloc(0));
        expect(parsed.prompt?.turn).toBeDefined();
      }
      clearInterval(others);
      expect(turnsOfOthers).toBeGreaterThan(1);
      const { turns, knownTurns, knownBytes } = reader.figures;
      expect({ turns, knownTurns, knownBytes }).toEqual({ turns: 2, knownTurns: 0, knownBytes: 0 });
      expect(reader.readInSlices(requestOf(longBody('one')))).not.toBeInstanceOf(Promise);
      expect(reader.figures.knownTurns).toBe(1);
    });

    it('are read in one go where they go on with what is known', () => {
      const reader = createRequestReader();
      reader.read(requestOf(longBody('one', 70)));
      const body = longBody('one');
      const reading = reader.readInSlices(requestOf(body));
      if (reading instanceof Promise) throw new Error('not at once');
      expectWhole(reading, body);
    });

    it('are right where two go on with one beginning', async () => {
      const reader = createRequestReader();
      const bodies = [longBody('one'), longBody('one', 60), longBody('one', 79)];
      const parsed = await Promise.all(bodies.map((body) => reader.readInSlices(requestOf(body))));
      for (const [at, body] of bodies.entries()) expectWhole(parsed[at] ?? parseRequest(requestOf(body)), body);
    });

    it('are read in one go where what was read is forgotten meanwhile', async () => {
      const reader = createRequestReader({ maxMemoryBytes: 1 });
      const bodies = ['one', 'other', 'third'].map((name) => longBody(name));
      const parsed = await Promise.all(bodies.map((body) => reader.readInSlices(requestOf(body))));
      for (const [at, body] of bodies.entries()) expectWhole(parsed[at] ?? parseRequest(requestOf(body)), body);
    });

    it('are found unreadable where their end is', async () => {
      const reader = createRequestReader();
      const body = Buffer.from(longBody('one').toString().replace(/}$/, ',}'));
      expect(await reader.readInSlices(requestOf(body))).toEqual(parseRequest(requestOf(body)));
      expect(reader.figures.turns).toBe(0);
    });
  });

  describe('with long lists of tools', () => {
    const tool = (name: string) =>
      JSON.stringify({ type: 'function', function: { name, description: 'What it does. '.repeat(100) } });
    const messages = `"messages":${JSON.stringify([{ role: 'user', content: 'word '.repeat(600) }])}`;

    it.each([
      { what: 'before the messages', members: [`"tools":[${tool('a')}]`, messages] },
      { what: 'behind them', members: [messages, `"stream":true`, `"tools" : [${tool('a')},${tool('b')}]`] },
      { what: 'twice', members: [`"tools":[${tool('a')}]`, messages, `"tools":[${tool('b')}]`] },
      { what: 'twice behind', members: [messages, `"tools":[${tool('a')}]`, `"tools":[${tool('b')}]`] },
      { what: 'replaced by none', members: [messages, `"tools":[${tool('a')}]`, `"tools":null`] },
      { what: 'behind something odd', members: [messages, `"x":{"tools":[1]}`, `"tools":[${tool('a')}]`] },
      { what: 'named with an escape', members: [messages, `"t\\u006fols":[${tool('a')}]`] },
      { what: 'that are refused', members: [messages, `"tools":[{"type":"function"},${tool('a')}]`] },
      { what: 'that are no list', members: [messages, `"tools":${tool('a')}`] },
      { what: 'that are broken', members: [messages, `"tools":[${tool('a')},]`] },
    ])('are what they are from scratch: $what', ({ members }) => {
      const reader = createRequestReader();
      for (const [at, more] of ['"user":"a"', '"user":"b"', '"user":"b"'].entries()) {
        const body = Buffer.from(`{"model":"m",${[...members, more].join(',')}}`);
        const [parsed, fresh] = [reader.read(requestOf(body)), parseRequest(requestOf(body))];
        expect({ at, ...withoutPrompt(parsed) }).toEqual({ at, ...withoutPrompt(fresh) });
        if (fresh.prompt !== undefined) expect(conversationOf(parsed)).toEqual(conversationOf(fresh));
      }
    });

    it('are dumped once for all turns', () => {
      const reader = createRequestReader();
      const toolsOf = (user: string) => {
        const body = Buffer.from(`{"tools":[${tool('a')}],${messages},"user":"${user}"}`);
        return conversationOf(reader.read(requestOf(body))).tools;
      };
      expect(toolsOf('a')).not.toBeNull();
      expect(toolsOf('b')).toBe(toolsOf('a'));
    });
  });

  describe('with long strings', () => {
    const long = 'A long "string" with\nescapes, é and 漢字. '.repeat(6000);
    const data = `data:image/png;base64,${'iVBORw0KGgo'.repeat(20_000)}`;
    const call = (value: string) => ({
      role: 'assistant',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'write', arguments: JSON.stringify({ value }) } }],
    });
    const said = (...content: unknown[]) => ({ role: 'user', content });
    const text = (value: string) => ({ type: 'text', text: value });
    const anthropicImage = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } };

    it.each([
      { what: 'a text', to: path, message: { role: 'user', content: long } },
      { what: 'text parts', to: path, message: said(text(long), text('short'), text(`${long}!`)) },
      { what: 'an image', to: path, message: said(text('What?'), { type: 'image_url', image_url: { url: data } }) },
      { what: 'an image by its address alone', to: path, message: said({ image_url: data }, text(data)) },
      {
        what: 'sound',
        to: path,
        message: said({ type: 'input_audio', input_audio: { data, format: 'wav' } }, text('?')),
      },
      {
        what: 'an image with a member of its own',
        to: path,
        message: said({ type: 'image_url', image_url: { url: data }, caption: long }),
      },
      { what: 'arguments of a call', to: path, message: call(long) },
      { what: 'the name of a member', to: path, message: { role: 'user', content: 'x', [long]: 1 } },
      { what: 'an image', to: '/v1/messages', message: said(anthropicImage, text(long)) },
      {
        what: 'an image in a result',
        to: '/v1/messages',
        message: said({ type: 'tool_result', tool_use_id: 'c', content: [text(long), anthropicImage] }),
      },
      {
        what: 'an argument that looks like an image',
        to: '/v1/messages',
        message: {
          role: 'assistant',
          content: [{ type: 'tool_use', id: 'c', name: 'show', input: { source: anthropicImage } }],
        },
      },
      {
        what: 'an image',
        to: '/v1/responses',
        message: said({ type: 'input_image', image_url: data }, { type: 'input_text', text: long }),
      },
      {
        what: 'arguments of a call',
        to: '/v1/responses',
        message: { type: 'function_call', call_id: 'c', name: 'write', arguments: JSON.stringify({ long }) },
      },
      {
        what: 'a result',
        to: '/v1/responses',
        message: { type: 'function_call_output', call_id: 'c', output: long },
      },
    ])('are what they are from scratch: $what, $to', ({ to, message }) => {
      const reader = createRequestReader();
      const messages = [message, { role: 'assistant', content: 'Yes.' }];
      for (const more of [[], [{ role: 'user', content: 'And then?' }]]) {
        const list = to === '/v1/responses' ? 'input' : 'messages';
        const body = Buffer.from(JSON.stringify({ model: 'm', [list]: [...messages, ...more] }));
        const parsed = reader.read(requestOf(body, to));
        expectWhole(parsed, body, to);
        expect(parsed.prompt?.turn).toBeDefined();
      }
      expect(reader.figures.knownTurns).toBe(1);
    });

    it('keep nothing of an image', () => {
      const reader = createRequestReader();
      const image = { type: 'image_url', image_url: { url: data.repeat(30) } };
      const body = Buffer.from(JSON.stringify({ messages: [said(text('What is it?'), image)] }));
      expectWhole(reader.read(requestOf(body)), body);
      expect(body.length).toBeGreaterThan(6_000_000);
      // Hashes of 2 KB each and little besides.
      expect(reader.figures.memoryBytes).toBeLessThan(body.length / 20);
    });

    it.each([
      { what: 'broken escapes', from: 'escapes', to: '\\q' },
      { what: 'a control character', from: 'escapes', to: '\u0001' },
    ])('are refused with $what, as from scratch', ({ from, to }) => {
      const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: long }] }).replace(from, to));
      expect(createRequestReader().read(requestOf(body))).toEqual(parseRequest(requestOf(body)));
    });

    it.each([
      { what: 'one text', messages: [{ role: 'user', content: long.repeat(20) }] },
      { what: 'many texts', messages: Array.from({ length: 20 }, () => ({ role: 'user', content: long })) },
    ])('are read from scratch where there is more text than any engine takes: $what', async ({ messages }) => {
      const reader = createRequestReader();
      const body = Buffer.from(JSON.stringify({ messages }));
      expectWhole(reader.read(requestOf(body)), body);
      expectWhole(await reader.readInSlices(requestOf(body)), body);
      expect(reader.figures).toMatchObject({ turns: 0, conversations: 0, memoryBytes: 0 });
    });
  });

  it.each([
    { text: 'ASCII', content: JSON.stringify('a'.repeat(40_000)), expected: 40_000 },
    { text: 'Latin-1', content: JSON.stringify('é'.repeat(40_000)), expected: 40_000 },
    { text: 'Latin-1, escaped', content: `"${'a'.repeat(40_000)}\\u00e9"`, expected: 40_000 },
    { text: 'ASCII with one dash', content: JSON.stringify(`${'a'.repeat(40_000)}–`), expected: 80_000 },
    { text: 'ASCII with one dash, escaped', content: `"${'a'.repeat(40_000)}\\u2013"`, expected: 80_000 },
    { text: 'Chinese', content: JSON.stringify('中'.repeat(40_000)), expected: 80_000 },
  ])('count $text by the memory that it takes', ({ content, expected }) => {
    const reader = createRequestReader({ maxMemoryBytes: 4_000_000 });
    const body = Buffer.from(`{"model":"m","messages":[{"role":"user","content":${content}}]}`);
    reader.read({ path, body, isComplete: true });
    // Beside the text: the objects of one message and one conversation, and the hashes of its chunks.
    expect(reader.figures.memoryBytes).toBeGreaterThanOrEqual(expected);
    expect(reader.figures.memoryBytes).toBeLessThan(expected + 10_000);
  });
});
