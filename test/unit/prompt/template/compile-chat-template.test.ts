import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SidecarError, systemClock } from '../../../../sidecar/core/index.ts';
import type { JsonValue } from '../../../../sidecar/prompt/api/json-value.ts';
import {
  type ChatTemplate,
  compileChatTemplate,
  type TemplateInput,
} from '../../../../sidecar/prompt/template/index.ts';

const compile = (source: string): ChatTemplate => {
  const outcome = compileChatTemplate(source, { clock: systemClock });
  if (outcome.kind !== 'compiled') throw new Error(outcome.reason);
  return outcome.template;
};

const message = (role: string, content: JsonValue): JsonValue =>
  new Map<string, JsonValue>([
    ['role', role],
    ['content', content],
  ]);

const input = (messages: readonly JsonValue[], overrides: Partial<TemplateInput> = {}): TemplateInput => ({
  messages,
  tools: null,
  documents: null,
  addGenerationPrompt: false,
  variables: new Map(),
  ...overrides,
});

const failureOf = (action: () => unknown): SidecarError => {
  try {
    action();
  } catch (failure) {
    if (failure instanceof SidecarError) return failure;
    throw failure;
  }
  throw new Error('nothing was thrown');
};

describe('loading a template', () => {
  it.each([
    ["{% include 'other' %}", "the tag 'include'"],
    ['{% block a %}{% endblock %}', "the tag 'block'"],
    ["{% import 'a' as b %}", "the tag 'import'"],
    ['{% autoescape true %}{% endautoescape %}', "the tag 'autoescape'"],
    ['{{ x|pprint }}', "the filter 'pprint'"],
    ['{% if no %}{{ x|wordwrap }}{% endif %}', "the filter 'wordwrap'"],
    ["{{ x|map('striptags')|list }}", "the filter 'striptags'"],
    ['{{ x|map(name)|list }}', 'map with a computed name'],
    ["{{ x|selectattr('a', name)|list }}", 'selectattr with a computed name'],
    ["{{ 'trim' is filter }}", "the test 'filter'"],
    ['{{ x is sameas y }}', 'sameas with other than a constant'],
    ["{{ x|select('sameas', y)|list }}", 'sameas with other than a constant'],
    ['{{ x.encode() }}', "the method 'encode'"],
    ["{{ x['translate'] }}", "the method 'translate'"],
    ['{{ cycler(1, 2) }}', "the global 'cycler'"],
    ['{{ lipsum() }}', "the global 'lipsum'"],
    ["{{ strftime_now('%Y %s') }}", 'the date format %Y %s'],
    ['{{ x.keys() - y }}', 'a set'],
    ["{{ '\\N{DASH}' }}", 'a character name in a string literal'],
    ["{{ '\\ud83d' }}", 'a surrogate escape in a string literal'],
    ['{% set ns = namespace() %}{% set ns._x = 1 %}', 'a namespace attribute with an underscore'],
    [
      '{% macro m() %}{% generation %}{{ caller() }}{% endgeneration %}{% endmacro %}',
      'a special macro parameter inside generation',
    ],
  ])('leaves %s to another implementation and says why', (source, feature) => {
    expect(compileChatTemplate(source, { clock: systemClock })).toEqual({
      kind: 'unsupported',
      reason: `chat template: ${feature}`,
      contentFormat: 'string',
    });
  });

  it('tells the content format of templates that it leaves to another implementation', () => {
    const source = '{% for m in messages %}{% for part in m.content %}{{ part|pprint }}{% endfor %}{% endfor %}';
    expect(compileChatTemplate(source, { clock: systemClock })).toMatchObject({ contentFormat: 'openai' });
  });

  it('says on which line jinja2 stops reading', () => {
    expect(compileChatTemplate('a\n{{ 1\n+ }}', { clock: systemClock })).toEqual({
      kind: 'invalid',
      reason: 'chat template: line 3: unexpected variable-end',
    });
  });

  it.each([
    ["{{ strftime_now('%Y') }}", true],
    ['{% set strftime_now = 1 %}{{ strftime_now }}', false],
    ['{{ messages }}', false],
  ])('knows whether %s reads the clock', (source, readsClock) => {
    expect(compileChatTemplate(source, { clock: systemClock })).toMatchObject({ kind: 'compiled', readsClock });
  });

  it('never throws for any text', () => {
    const fragments = fc.constantFrom(
      '{{',
      '}}',
      '{%',
      '%}',
      '{#',
      '#}',
      ' if ',
      ' for ',
      'in',
      'x',
      '(',
      ')',
      '[',
      ']',
      "'",
      '|',
      '.',
      '-',
      '\n',
      'end',
      '1',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fragments).map((parts) => parts.join('')),
        ),
        (source) => {
          const outcome = compileChatTemplate(source, { clock: systemClock });
          expect(outcome).not.toMatchObject({ reason: 'chat template: cannot be compiled' });
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('rendering a template', () => {
  it('gives the parts of a printed sum as pieces, the messages themselves unchanged', () => {
    const template = compile("{% for m in messages %}{{ '<' + m.role + '>' + m.content + '\\n' }}{% endfor %}");
    expect(template.render(input([message('user', 'a long text'), message('assistant', 'another')]))).toEqual([
      '<',
      'user',
      '>',
      'a long text',
      '\n',
      '<',
      'assistant',
      '>',
      'another',
      '\n',
    ]);
  });

  it('gives the pieces of a macro that is printed', () => {
    const template = compile('{% macro show(m) %}[{{ m.content }}]{% endmacro %}{{ show(messages[0]) }}');
    expect(template.render(input([message('user', 'a')]))).toEqual(['[', 'a', ']']);
  });

  it('prefers the render’s own fields to variables of the same name', () => {
    const variables = new Map<string, JsonValue>([
      ['tools', 'a variable'],
      ['add_generation_prompt', 'a variable'],
      ['range', 'shadows the function'],
    ]);
    const template = compile('{{ tools }} {{ add_generation_prompt }} {{ range }}');
    expect(template.render(input([], { variables })).join('')).toBe('None False shadows the function');
  });

  it('keeps nothing from one render to the next', () => {
    const template = compile(
      '{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}',
    );
    const once = template.render(input([message('user', 'a')])).join('');
    expect([once, template.render(input([message('user', 'a')])).join('')]).toEqual(['1', '1']);
  });

  it('fails with the text that the template itself raises', () => {
    const template = compile("{{ raise_exception('roles must alternate') }}");
    expect(failureOf(() => template.render(input([]))).message).toBe('[template-failed] roles must alternate');
  });

  it('does not repeat what a message says when a template raises it', () => {
    const template = compile("{{ raise_exception('refused: ' + messages[0].content) }}");
    const failure = failureOf(() => template.render(input([message('user', 'a secret')])));
    expect([failure.code, failure.message.includes('secret')]).toEqual(['template-failed', false]);
  });

  it.each([
    ['{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}', 'loops'],
    ['{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', 'recursion'],
    ["{{ ('x' * 1000000) * 1000000 }}", 'repetition'],
    ['{{ 9 ** 999999999 }}', 'powers'],
    ["{{ '%999999999d' % 1 }}", 'formats'],
    ["{{ '{:>999999999}'.format(1) }}", 'braces'],
    ["{{ 'a'.ljust(999999999) }}", 'padding'],
  ])('ends %s, which would run away (%s)', (source) => {
    expect(failureOf(() => compile(source).render(input([]))).code).toBe('template-failed');
  });

  it('takes texts of a template for texts, whatever they look like', () => {
    const hostile = `\`$\{globalThis.x = 1}\` \\u2028 \u2028 */ // ' </script> \\`;
    const literal = hostile.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
    const template = compile(`${hostile}{{ '${literal}' }}{{ {'${literal}': 1}['${literal}'] }}{{ x['${literal}'] }}`);
    const variables = new Map<string, JsonValue>([['x', new Map([[hostile, 'found']])]]);
    expect(template.render(input([], { variables })).join('')).toBe(`${hostile}${hostile}1found`);
  });

  it('throws nothing but its own failure, whatever the messages hold', () => {
    const template = compile(
      "{% for m in messages %}{{ m.role + ': ' + m.content|trim }}{% for c in m.tool_calls or [] %}{{ c.function.name ~ c.function.arguments|tojson }}{% endfor %}{% endfor %}",
    );
    const value = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<JsonValue>(null, true, false, 'text', ' padded ', ''),
        fc.array(tie('value'), { maxLength: 3 }),
        fc
          .array(
            fc.tuple(fc.constantFrom('role', 'content', 'tool_calls', 'function', 'name', 'arguments'), tie('value')),
            { maxLength: 4 },
          )
          .map((members): JsonValue => new Map(members)),
      ),
    })).value;
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), (messages) => {
        try {
          expect(typeof template.render(input(messages)).join('')).toBe('string');
        } catch (failure) {
          expect(failure).toMatchObject({ code: 'template-failed' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
