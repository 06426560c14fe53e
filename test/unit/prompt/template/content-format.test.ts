import { describe, expect, it } from '@jest/globals';
import { detectContentFormat } from '../../../../sidecar/prompt/template/content-format.ts';
import { parseTemplate } from '../../../../sidecar/prompt/template/syntax/parser.ts';

const inLoop = (body: string, messages = 'messages'): string => `{% for m in ${messages} %}${body}{% endfor %}`;
const overParts = (parts: string): string => inLoop(`{% for c in ${parts} %}{{ c }}{% endfor %}`);
const showing = (parameters: string, looped: string): string =>
  `{% macro show(${parameters}) %}{% for c in ${looped} %}{{ c }}{% endfor %}{% endmacro %}`;

/** Expectations are what vLLM 0.32 answers. */
describe('the content format is what vLLM detects', () => {
  it.each([
    ['a loop over content', overParts('m.content')],
    ['a loop over content by key', overParts("m['content']")],
    ['filters around content', overParts("m.content|default([])|selectattr('x')")],
    ['slices around both', inLoop('{% for c in m.content[0:2] %}{% endfor %}', 'messages[1:]')],
    ['a test around content', overParts('m.content is iterable')],
    [
      'conditions on both loops',
      '{% for m in messages if m.content %}{% for c in m.content if c %}{% endfor %}{% endfor %}',
    ],
    [
      'another name for the messages',
      `{% set a = messages %}{% set b = a[1:] %}${inLoop('{% for c in m.content %}{% endfor %}', 'b')}`,
    ],
    [
      'another name, given before it is set',
      `{% set b = a %}{% set a = messages %}${inLoop('{% for c in m.content %}{% endfor %}', 'b')}`,
    ],
    ['a variable called content', inLoop('{% set content = m.content %}{% for c in content %}{% endfor %}')],
    ['a variable called content outside of any loop', '{% for c in content %}{% endfor %}'],
    ['a macro that is given content', showing('x', 'x') + inLoop('{{ show(m.content) }}')],
    ['a macro that is given content by name', showing('x', 'x') + inLoop("{{ show(x=m['content']) }}")],
    ['a macro that is given filtered content', showing('content', 'content') + inLoop('{{ show(m.content|trim) }}')],
  ])('openai: %s', (_name, source) => {
    expect(detectContentFormat(parseTemplate(source))).toBe('openai');
  });

  it.each([
    ['content that is only printed', inLoop('{{ m.content }}')],
    ['a variable with another name', inLoop('{% set parts = m.content %}{% for c in parts %}{% endfor %}')],
    ['a part of content', overParts('m.content.parts')],
    ['the first message’s content', '{% for c in messages[0].content %}{% endfor %}'],
    ['messages behind a condition', inLoop('{% for c in m.content %}{% endfor %}', '(messages if x else [])')],
    ['messages and more', inLoop('{% for c in m.content %}{% endfor %}', 'messages + []')],
    [
      'messages bound by with',
      `{% with a = messages %}${inLoop('{% for c in m.content %}{% endfor %}', 'a')}{% endwith %}`,
    ],
    ['a macro that loops over another parameter', showing('x, y', 'x') + inLoop('{{ show(1, m.content) }}')],
    ['a macro that is given something else', showing('content', 'content') + inLoop('{{ show(m.role) }}')],
    ['a call block', inLoop('{% call(x) show(m.content) %}{% for c in x %}{% endfor %}{% endcall %}')],
    ['pairs of parts, where vLLM gives up', inLoop('{% for a, b in m.content %}{% endfor %}')],
    [
      'messages set with another name, where vLLM gives up',
      `{% set a, b = messages, 1 %}${overParts('m.content')}`.replace('in messages %}', 'in a %}'),
    ],
    ['messages kept in a namespace, where vLLM gives up', `{% set ns.x = messages %}${overParts('m.content')}`],
  ])('string: %s', (_name, source) => {
    expect(detectContentFormat(parseTemplate(source))).toBe('string');
  });
});
