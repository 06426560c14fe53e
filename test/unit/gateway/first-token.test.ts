import { describe, expect, it } from '@jest/globals';
import { eventStreamDetector, firstByteDetector } from '../../../sidecar/gateway/first-token.ts';

const event = (value: unknown): Buffer => Buffer.from(`data: ${JSON.stringify(value)}\n\n`);
const delta = (value: unknown): Buffer => event({ choices: [{ index: 0, delta: value }] });

describe('eventStreamDetector', () => {
  it.each([
    ['a role', delta({ role: 'assistant', content: '' })],
    ['a role with null content', delta({ role: 'assistant', content: null })],
    ['a comment', Buffer.from(': ping\n\n')],
    [
      "Anthropic's message_start",
      event({ type: 'message_start', message: { content: [], usage: { input_tokens: 3 } } }),
    ],
    [
      'the echo of a Responses request',
      event({ type: 'response.created', response: { reasoning: { effort: 'low' }, text: { format: {} } } }),
    ],
    ["the prompt's token ids", event({ prompt_token_ids: [1, 2, 3] })],
    ['the end', Buffer.from('data: [DONE]\n\n')],
  ])('waits through %s', (_name, chunk) => {
    expect(eventStreamDetector().push(chunk)).toBe(false);
  });

  it.each([
    ['chat text', delta({ content: 'Hi' })],
    ['reasoning', delta({ reasoning_content: 'Hm' })],
    ['a tool call', delta({ tool_calls: [{ index: 0, function: { name: 'f' } }] })],
    ['completions text', event({ choices: [{ text: '\n' }] })],
    ['Responses text', event({ type: 'response.output_text.delta', delta: 'Hi' })],
    ['Messages text', event({ type: 'content_block_delta', delta: { type: 'text_delta', text: 'Hi' } })],
    ['token ids', event({ choices: [{ token_ids: [7] }] })],
  ])('sees %s', (_name, chunk) => {
    expect(eventStreamDetector().push(chunk)).toBe(true);
  });

  it('takes the third event for a token where no content is recognized', () => {
    const detector = eventStreamDetector();
    const seen = [1, 2, 3].map((step) => detector.push(event({ step })));
    expect(seen).toEqual([false, false, true]);
  });

  it('sees content that is cut anywhere', () => {
    const chunk = delta({ content: 'Hi' });
    for (let cut = 1; cut < chunk.length; cut += 1) {
      const detector = eventStreamDetector();
      detector.push(chunk.subarray(0, cut));
      expect(detector.push(chunk.subarray(cut))).toBe(true);
    }
  });
});

describe('firstByteDetector', () => {
  it('sees the first byte', () => {
    const detector = firstByteDetector();
    expect(detector.push(Buffer.alloc(0))).toBe(false);
    expect(detector.push(Buffer.from('{'))).toBe(true);
  });
});
