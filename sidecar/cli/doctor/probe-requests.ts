type Body = Readonly<Record<string, unknown>>;

const texts = [
  'The quick brown fox jumps over the lazy dog.',
  "It's 3:45pm; we've paid $1,234.56 (about 7%) for 12 items.",
  '  leading and trailing spaces, tabs\t\tand\n\n\nempty lines  \n',
  'Grüße aus Zürich, ça va très bien, señor Ñandú.',
  '日本語と中文的句子,混在一起。',
  'مرحبا بالعالم وשלום עולם',
  '👩‍👩‍👧‍👦 family 🇨🇭 flag ✊🏽 fist e\u0301 combining',
  'def f(x: int) -> str:\n    return f"{x:>8}"  # padded\n',
  '{"a": [1, 2.50, -3e-7, null, true], "b": {"c": "\\u00e9"}}',
  'https://example.com/a/b?c=d&e=%20f#g user@example.org',
  'ALLCAPS CamelCaseWords snake_case_words kebab-case-words 0xDEADBEEF',
  'नमस्ते दुनिया สวัสดีชาวโลก Привет, мир!',
] as const;

const user = (content: string): Body => ({ role: 'user', content });

const conversations: readonly Body[] = [
  { messages: [user('Hello!')] },
  { messages: [{ role: 'system', content: 'You are terse.' }, user('What is the capital of France?')] },
  { messages: [user('Count to three.'), { role: 'assistant', content: '1, 2, 3' }, user('And on?')] },
  { messages: [user('  spaces around me  \n')] },
  { messages: [user('Write 日本語 and 👍.')], add_generation_prompt: false },
  { messages: [{ role: 'system', content: '' }, user('An empty system prompt stands before this.')] },
  {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'one' },
          { type: 'text', text: 'two' },
        ],
      },
    ],
  },
  {
    messages: [user('What is the weather in Bern?')],
    tools: [
      {
        type: 'function',
        function: {
          name: 'weather',
          description: 'Weather of a city',
          parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
        },
      },
    ],
  },
];

/** Twenty bodies for `POST /tokenize`: twelve texts of many scripts and eight conversations. */
export const tokenizeProbes = (model: string): readonly { readonly name: string; readonly body: Body }[] => [
  ...texts.map((prompt, at) => ({ name: `text ${at + 1}`, body: { model, prompt } })),
  ...conversations.map((conversation, at) => ({ name: `chat ${at + 1}`, body: { model, ...conversation } })),
];
