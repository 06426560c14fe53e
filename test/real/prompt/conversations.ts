import type { Random } from '../../../sidecar/core/index.ts';

/** JSON text, kept as text so that Python and this side read the same numbers, escapes and key order. */
type JsonText = string;

const words = [
  'weather',
  'Zürich',
  'naïve',
  '東京',
  '안녕',
  '🙂',
  '👩‍👩‍👧',
  'Σίσυφος',
  'ß',
  'ﬁ',
  'İ',
  '\u2028',
  'a.b',
  "it's",
  '"quoted"',
  '{x}',
  '%s',
];
const spaces = [' ', '  ', '\n', '\n\n', '\t', '\r\n', '\u00a0', '\u3000', '\x1c', '\x85', ' \n '];
const marks = [
  '<think>',
  '</think>',
  '<think>\n\n</think>\n\n',
  '<tool_call>',
  '</tool_call>',
  '<|im_end|>',
  '[INST]',
  '<tool_response>',
  '</tool_response>',
  '<|channel|>analysis<|message|>',
  '{{ x }}',
  '{% if %}',
  '\\n',
  '\\',
  '---',
  '#',
];
const numbers = [
  '0',
  '-0',
  '1',
  '-7',
  '2.0',
  '-0.0',
  '1e21',
  '1E-7',
  '0.1',
  '123456789012345678901234567890',
  '9007199254740993',
  '1.5e300',
  '1e16',
  '123456789.125',
  '5e-324',
  '100',
  '-1.0e2',
  '1e5',
];
const keys = [
  'name',
  'city',
  'items',
  'keys',
  'type',
  'description',
  'enum',
  'properties',
  '1',
  '10',
  '2',
  'Größe',
  'a b',
  'unit',
  '',
  'default',
  'required',
  'x-y',
];
const types = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];

const pick = <Item>(random: Random, items: readonly Item[]): Item => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
};

const many = <Item>(random: Random, most: number, make: () => Item): Item[] =>
  Array.from({ length: Math.floor(random() * (most + 1)) }, make);

const chance = (random: Random, share: number): boolean => random() < share;

const objectOf = (members: readonly (readonly [string, JsonText])[]): JsonText =>
  `{${members.map(([key, value]) => `${JSON.stringify(key)}: ${value}`).join(', ')}}`;

const listOf = (items: readonly JsonText[]): JsonText => `[${items.join(', ')}]`;

/** Text as clients write it in JSON: now and then with escapes where none are needed. */
const quoted = (random: Random, text: string): JsonText =>
  chance(random, 0.1)
    ? `"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
    : JSON.stringify(text);

/** Makes random conversations as JSON texts; the same seed makes the same ones. */
export class ConversationMaker {
  readonly #random: Random;
  /** Half of the conversations keep to what every template takes: plain strings in the usual order. */
  #isPlain = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** What a render sees: messages, tools, documents, add_generation_prompt, variables. */
  make(): JsonText {
    const random = this.#random;
    this.#isPlain = chance(random, 0.5);
    return objectOf([
      ['messages', listOf(this.#messages())],
      ['tools', chance(random, 0.5) ? 'null' : listOf(many(random, 3, () => this.#tool()))],
      ['documents', chance(random, 0.9) ? 'null' : listOf(many(random, 2, () => this.#document()))],
      ['add_generation_prompt', String(chance(random, 0.6))],
      ['variables', this.#variables()],
    ]);
  }

  #text(): string {
    const random = this.#random;
    if (chance(random, 0.05)) return '';
    const parts = many(random, 6, () => {
      const kind = random();
      if (kind < 0.55) return pick(random, words);
      return kind < 0.85 ? pick(random, spaces) : pick(random, marks);
    });
    return parts.join(chance(random, 0.5) ? ' ' : '');
  }

  #messages(): JsonText[] {
    const random = this.#random;
    const messages: JsonText[] = [];
    if (chance(random, 0.4))
      messages.push(this.#message(this.#isPlain ? 'system' : pick(random, ['system', 'developer'])));
    const turns = 1 + Math.floor(random() * 4);
    for (let turn = 0; turn < turns; turn += 1) {
      messages.push(this.#message('user'));
      if (turn === turns - 1 && chance(random, 0.5)) break;
      messages.push(this.#assistant());
      if (chance(random, 0.3)) messages.push(...many(random, 2, () => this.#toolAnswer()), this.#assistant());
    }
    // Orders that templates refuse, roles that they do not know.
    if (!this.#isPlain && chance(random, 0.2))
      messages.push(this.#message(pick(random, ['system', 'assistant', 'user', 'critic', 'ipython'])));
    if (!this.#isPlain && chance(random, 0.06)) messages.splice(0, 1);
    return messages;
  }

  #content(): JsonText {
    const random = this.#random;
    if (this.#isPlain || chance(random, 0.6)) return quoted(random, this.#text());
    if (chance(random, 0.1)) return 'null';
    return listOf(
      many(random, 3, () => {
        if (chance(random, 0.15)) return objectOf([['type', '"image"']]);
        if (chance(random, 0.05))
          return objectOf([
            ['type', '"image_url"'],
            ['image_url', objectOf([['url', '"http://x/y.png"']])],
          ]);
        return objectOf([
          ['type', '"text"'],
          ['text', quoted(random, this.#text())],
        ]);
      }),
    );
  }

  #message(role: string): JsonText {
    const members: [string, JsonText][] = [
      ['role', JSON.stringify(role)],
      ['content', this.#content()],
    ];
    if (chance(this.#random, 0.1)) members.reverse();
    if (chance(this.#random, 0.05)) members.push(['name', quoted(this.#random, this.#text())]);
    return objectOf(members);
  }

  #assistant(): JsonText {
    const random = this.#random;
    const members: [string, JsonText][] = [['role', '"assistant"']];
    if (chance(random, 0.95)) members.push(['content', this.#content()]);
    const reasoning = pick(random, ['reasoning_content', 'reasoning', 'thinking']);
    if (chance(random, 0.25)) members.push([reasoning, chance(random, 0.9) ? quoted(random, this.#text()) : 'null']);
    if (chance(random, 0.3)) members.push(['tool_calls', listOf(many(random, 2, () => this.#toolCall()))]);
    return objectOf(members);
  }

  #toolCall(): JsonText {
    const random = this.#random;
    const called = objectOf([
      ['name', quoted(random, pick(random, ['get_weather', 'search', 'naïve.tool', 'python']))],
      ['arguments', chance(random, 0.85) ? this.#object(2) : quoted(random, this.#object(1))],
    ]);
    if (chance(random, 0.1)) return called;
    return objectOf([
      ['id', JSON.stringify(`call${Math.floor(random() * 1e9)}`.slice(0, 9))],
      ['type', '"function"'],
      ['function', called],
    ]);
  }

  #toolAnswer(): JsonText {
    const random = this.#random;
    const members: [string, JsonText][] = [
      ['role', '"tool"'],
      ['content', this.#content()],
    ];
    if (chance(random, 0.6)) members.push(['tool_call_id', '"call12345"']);
    if (chance(random, 0.5)) members.push(['name', '"get_weather"']);
    return objectOf(members);
  }

  #tool(): JsonText {
    const random = this.#random;
    const described = objectOf([
      ['name', quoted(random, pick(random, ['get_weather', 'search', 'naïve.tool']))],
      ['description', chance(random, 0.85) ? quoted(random, this.#text()) : 'null'],
      ['parameters', chance(random, 0.9) ? this.#schema(2) : 'null'],
      ...(chance(random, 0.1) ? [['strict', 'true'] as const] : []),
      ...(chance(random, 0.2) ? [['return', this.#schema(1)] as const] : []),
    ]);
    if (chance(random, 0.05)) return described;
    return objectOf([
      ['type', '"function"'],
      ['function', described],
    ]);
  }

  #schema(depth: number): JsonText {
    const random = this.#random;
    const type = depth > 1 ? 'object' : pick(random, types);
    const members: [string, JsonText][] = [];
    if (chance(random, 0.95))
      members.push(['type', chance(random, 0.9) ? JSON.stringify(type) : listOf(['"string"', '"null"'])]);
    if (chance(random, 0.5)) members.push(['description', quoted(random, this.#text())]);
    if (type === 'object' && depth > 0) {
      const names = [...new Set(many(random, 3, () => pick(random, keys)))];
      members.push(['properties', objectOf(names.map((name) => [name, this.#schema(depth - 1)]))]);
      if (chance(random, 0.6))
        members.push(['required', listOf(names.slice(0, 1).map((name) => JSON.stringify(name)))]);
    }
    if (type === 'array' && depth > 0) members.push(['items', this.#schema(depth - 1)]);
    if (chance(random, 0.2)) members.push(['enum', listOf(many(random, 3, () => this.#value(0)))]);
    if (chance(random, 0.2)) members.push(['default', this.#value(1)]);
    return objectOf(members);
  }

  #object(depth: number): JsonText {
    const names = [...new Set(many(this.#random, 4, () => pick(this.#random, keys)))];
    return objectOf(names.map((name) => [name, this.#value(depth)]));
  }

  #value(depth: number): JsonText {
    const random = this.#random;
    const kind = random();
    if (kind < 0.3) return quoted(random, this.#text());
    if (kind < 0.6) return pick(random, numbers);
    if (kind < 0.75 || depth === 0) return pick(random, ['true', 'false', 'null']);
    return kind < 0.9 ? this.#object(depth - 1) : listOf(many(random, 3, () => this.#value(depth - 1)));
  }

  #document(): JsonText {
    return objectOf([
      ['title', quoted(this.#random, this.#text())],
      ['text', quoted(this.#random, this.#text())],
    ]);
  }

  #variables(): JsonText {
    const random = this.#random;
    const members: [string, JsonText][] = [
      ['bos_token', '"<s>"'],
      ['eos_token', '"</s>"'],
    ];
    if (chance(random, 0.3)) members.push(['pad_token', '"<pad>"'], ['unk_token', '"<unk>"']);
    if (chance(random, 0.4)) members.push(['enable_thinking', pick(random, ['true', 'false', 'null', '1', '"yes"'])]);
    if (chance(random, 0.2)) members.push(['thinking', pick(random, ['true', 'false'])]);
    if (chance(random, 0.2)) members.push(['reasoning_effort', pick(random, ['"low"', '"high"', '"none"', 'null'])]);
    if (chance(random, 0.1)) members.push(['tools_in_user_message', 'false']);
    if (chance(random, 0.1)) members.push(['date_string', '"26 Jul 2024"']);
    if (chance(random, 0.1)) members.push(['thinking_budget', pick(random, ['-1', '512', '0', '2048'])]);
    if (chance(random, 0.1)) members.push(['preserve_thinking', pick(random, ['true', 'false'])]);
    if (chance(random, 0.1)) members.push(['builtin_tools', listOf(['"browser"', '"python"'])]);
    if (chance(random, 0.1)) members.push(['custom_tools', listOf([this.#tool()])]);
    return objectOf(members);
  }
}
