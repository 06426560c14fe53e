import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { UsageScanner } from '../../../sidecar/gateway/usage-scanner.ts';

const scan = (...chunks: readonly (string | Uint8Array)[]) => {
  const scanner = new UsageScanner();
  for (const chunk of chunks) scanner.push(Buffer.from(chunk));
  return scanner.usage;
};

const report = '"usage":{"prompt_tokens":341,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":320}}';
const observed = { promptTokens: 341, cachedTokens: 320, completionTokens: 4 };

describe('UsageScanner', () => {
  it.each([
    ['a JSON body', `{"id":"a","choices":[],${report}}`, observed],
    [
      'a JSON body with spaces',
      `{ "usage" :\n { "prompt_tokens" : 7, "completion_tokens" : 1 } }`,
      { promptTokens: 7, cachedTokens: null, completionTokens: 1 },
    ],
    ['a stream', `data: {"usage":null}\n\ndata: {${report}}\n\ndata: [DONE]\n\n`, observed],
    [
      'null details, as vLLM 0.23 gives on a miss',
      '{"usage":{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":null}}',
      { promptTokens: 5, cachedTokens: null, completionTokens: 1 },
    ],
    [
      'a Responses stream',
      'data: {"response":{"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":2}}}',
      { promptTokens: 9, cachedTokens: 4, completionTokens: 2 },
    ],
    [
      'embeddings, which complete nothing',
      '{"usage":{"prompt_tokens":3,"total_tokens":3}}',
      { promptTokens: 3, cachedTokens: null, completionTokens: 0 },
    ],
  ])('reads %s', (_name, text, usage) => {
    expect(scan(text)).toEqual(usage);
  });

  it('joins what an Anthropic stream says at its start and at its end', () => {
    const start = 'data: {"message":{"usage":{"input_tokens":10,"cache_read_input_tokens":32,"output_tokens":0}}}\n\n';
    const end = 'data: {"type":"message_delta","usage":{"output_tokens":6}}\n\n';
    expect(scan(start, end)).toEqual({ promptTokens: 42, cachedTokens: 32, completionTokens: 6 });
  });

  it('takes the last of several reports', () => {
    const growing = [1, 2, 3].map((tokens) => `data: {"usage":{"prompt_tokens":8,"completion_tokens":${tokens}}}\n\n`);
    expect(scan(...growing)?.completionTokens).toBe(3);
  });

  it.each([
    ['escaped text that a model generated', JSON.stringify({ content: `{${report}}` })],
    ['the word as a value', '{"content":"usage"}'],
    ['an object of another shape', '{"usage":{"type":"string","prompt_tokens":"many"}}'],
    ['a number', '{"usage":12}'],
    ['negative counts', '{"usage":{"prompt_tokens":-1}}'],
    ['an object cut off by the end', '{"usage":{"prompt_tokens":12'],
    ['broken JSON', '{"usage":{prompt_tokens:12}}'],
    ['an object of unlikely length', `{"usage":{"a":"${'x'.repeat(9000)}`],
  ])('sees no usage in %s', (_name, text) => {
    expect(scan(text)).toBeNull();
  });

  it('goes on after something that was no report', () => {
    expect(scan('{"usage":{"x":{"y":"}\\""}},"usage":"usage",', report)).toEqual(observed);
  });

  it('finds the same however the bytes are cut', () => {
    const text = Buffer.from(
      `data: {"content":"\\"usage\\": {","usage":null}\n\ndata: {"usage" : {"usage":1},${report}}`,
    );
    const cuts = fc.array(fc.nat({ max: text.length }), { maxLength: 12 });
    fc.assert(
      fc.property(cuts, (unsorted) => {
        const edges = [0, ...unsorted.sort((a, b) => a - b), text.length];
        const chunks = edges.slice(1).map((edge, index) => text.subarray(edges[index] ?? 0, edge));
        expect(scan(...chunks)).toEqual(observed);
      }),
      { numRuns: 500 },
    );
    expect(scan(...[...text].map((byte) => Uint8Array.of(byte)))).toEqual(observed);
  });

  it('takes any bytes without a throw', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom('"usage"', ':', '{', '}', '"', '\\', ' ').map(Buffer.from),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        scan(...pieces);
      }),
      { numRuns: 500 },
    );
  });
});
