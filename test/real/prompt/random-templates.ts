import type { Random } from '../../../sidecar/core/index.ts';

const variables = [
  'text',
  'word',
  'emoji',
  'quoted',
  'empty',
  'nothing',
  'yes',
  'no',
  'zero',
  'seven',
  'minus',
  'huge',
  'half',
  'whole',
  'numbers',
  'letters',
  'nested',
  'roles',
  'person',
  'people',
  'tree',
  'schema',
  'missing',
  'lines',
  'spaces',
  'a',
  'b',
];
const lists = [
  'numbers',
  'letters',
  'nested',
  'roles',
  'people',
  'person.tags',
  '[1, 2, 3]',
  'range(4)',
  "'abc'",
  'person',
  'people[1:]',
];
const literals = [
  '1',
  '0',
  '-3',
  '2.5',
  '1e3',
  "'x'",
  "' a b '",
  "''",
  'none',
  'true',
  'false',
  '[]',
  "['a', 1]",
  '(1, 2)',
  "{'k': 1}",
  "'<b>'",
];
const attributes = ['name', 'city', 'age', 'items', 'tags', 'active', 'home', 'x', 'label', 'children'];
const operators = ['+', '-', '*', '/', '//', '%', '~', '==', '!=', '<', '<=', '>', '>=', 'in', 'not in', 'and', 'or'];
const filters = [
  'trim',
  'upper',
  'lower',
  'title',
  'capitalize',
  'length',
  'list',
  'first',
  'last',
  'join',
  "join(', ')",
  'string',
  'int',
  'float',
  'abs',
  'round',
  'reverse|list',
  'sort',
  'unique|list',
  "default('d')",
  "default('d', true)",
  "replace('a', 'o')",
  'tojson',
  'tojson(indent=2)',
  'sum',
  'max',
  'min',
  'dictsort',
  'items|list',
  "map('string')|list",
  "map(attribute='name')|list",
  "select('string')|list",
  "reject('none')|list",
  "selectattr('age')|list",
  "rejectattr('active', 'true')|list",
  'batch(2)|list',
  'slice(2)|list',
  'indent',
  'indent(2, true)',
  'wordcount',
  'truncate(5)',
  "groupby('city')",
  'safe',
  'e',
  'escape',
  'count',
  "attr('x')",
  'urlencode',
  "trim('a')",
  'center(9)',
];
const tests = [
  'defined',
  'undefined',
  'none',
  'string',
  'number',
  'integer',
  'float',
  'boolean',
  'mapping',
  'iterable',
  'sequence',
  'callable',
  'true',
  'false',
  'odd',
  'even',
  'divisibleby 2',
  'divisibleby(3)',
  "eq 'x'",
  'gt 1',
  "in ['x', 1]",
  'sameas none',
  "equalto('a')",
];
const methods = [
  'strip()',
  "strip('a ')",
  'lstrip()',
  'rstrip()',
  'split()',
  "split('a')",
  "split(' ', 1)",
  'rsplit()',
  'splitlines()',
  'upper()',
  'lower()',
  'title()',
  'capitalize()',
  "replace('a', 'bb')",
  "startswith('a')",
  "endswith(('c', 'd'))",
  "find('a')",
  "count('a')",
  'items()',
  'keys()',
  'values()',
  "get('name')",
  "get('x', 5)",
  "join(['a', 'b'])",
  'isdigit()',
  'isalpha()',
  "index('a')",
  "partition('a')",
  'zfill(5)',
  "format(1, 'b')",
  "removeprefix('a')",
  'copy()',
  "rfind('a')",
];
const slices = ['[1:]', '[:-1]', '[::-1]', '[1:3]', '[-2:]', '[::2]'];

const textSteps = [
  '.strip()',
  ".replace('a', 'bb')",
  '.upper()',
  '[1:]',
  '[::-1]',
  '|trim',
  '|upper',
  '|title',
  "|default('d', true)",
  '|indent',
  '|string',
  '|e',
  '|safe',
  "|replace('a', 'o')",
  '|capitalize',
  '|center(9)',
  '|truncate(5)',
];
const listSteps = [
  '[1:]',
  '[::-1]',
  '[-2:]',
  '|reverse|list',
  '|unique|list',
  "|map('string')|list",
  "|reject('none')|list",
  "|select('defined')|list",
];

/** Variables of a type, steps that work on it, and those of them after which it is the same type. */
const kinds = [
  {
    variables: ['text', 'word', 'emoji', 'quoted', 'empty', 'lines', 'spaces', 'person.name', 'letters[0]'],
    keepsType: textSteps,
    steps: [
      ...textSteps,
      '.split()',
      ".split('a')",
      '.splitlines()',
      '|length',
      '|list',
      '|int',
      '|tojson',
      '|wordcount',
      ".find('a')",
      ".startswith('a')",
      '[0]',
      '.isdigit()',
      ".partition('a')",
    ],
  },
  {
    variables: ['numbers', 'nested', 'letters', 'roles', 'people', '[3, none, 2.0]'],
    keepsType: listSteps,
    steps: [
      ...listSteps,
      '[0]',
      '[-1]',
      '|length',
      '|first',
      '|last',
      "|join(', ')",
      '|tojson',
      '|tojson(indent=2)',
      '|batch(2)|list',
      '|slice(2)|list',
      '.index(1)',
      '.count(1)',
      '|string',
    ],
  },
  {
    variables: ['numbers', 'letters', 'roles'],
    keepsType: [],
    steps: [
      '|sort',
      '|max',
      '|min',
      '|sort(reverse=true)',
      '|unique|list',
      "|map('upper')|list",
      "|select('in', ['a', 1, 'user'])|list",
    ],
  },
  {
    variables: ['people', 'people[:2]', 'tree'],
    keepsType: [
      '[:2]',
      "|selectattr('age')|list",
      "|rejectattr('active', 'true')|list",
      "|sort(attribute='age')",
      "|unique(attribute='city')|list",
    ],
    steps: [
      '[:2]',
      "|selectattr('age')|list",
      "|rejectattr('active', 'true')|list",
      "|sort(attribute='age')",
      "|unique(attribute='city')|list",
      "|map(attribute='name')|list",
      "|groupby('city')",
      '[0].name',
      '|tojson',
      "|map(attribute='x', default=1)|list",
      "|sum(attribute='age')",
    ],
  },
  {
    variables: ['person', 'schema', 'people[2]', 'schema.properties'],
    keepsType: ['.copy()'],
    steps: [
      '.copy()',
      '.name',
      "['name']",
      '.items()',
      '.keys()',
      '.values()',
      '|dictsort',
      '|items|list',
      ".get('age')",
      ".get('x', 5)",
      '|length',
      '|tojson',
      '|list',
      '.missing',
      '.home',
      "['items']",
    ],
  },
  {
    variables: ['zero', 'seven', 'minus', 'huge', 'half', 'whole', 'yes', 'vast', 'tiny'],
    keepsType: ['|abs', '|int', '|float', '|round'],
    steps: ['|abs', '|int', '|float', '|round', '|round(1)', '|string', '|default(1)', '|tojson'],
  },
  {
    variables: ['missing', 'nothing', 'missing|default(none)', 'a', 'b'],
    keepsType: [],
    steps: ["|default('d')", '|list', '|string', "|default('d', true)", '|trim', '|tojson'],
  },
];

const wildSteps = [
  ...attributes.map((name) => `.${name}`),
  ...attributes.map((name) => `['${name}']`),
  ...['0', '-1', '5', '1'].map((index) => `[${index}]`),
  ...slices,
  ...methods.map((method) => `.${method}`),
  ...filters.map((filter) => `|${filter}`),
];

const pick = <Item>(random: Random, items: readonly Item[]): Item => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
};

/** Makes random templates over the variables of test/fixtures/jinja/variables.json: most load, many fail while rendering. */
export class TemplateMaker {
  readonly #random: Random;
  #macros = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  make(): string {
    this.#macros = 0;
    return `{% set ns = namespace(x=1, y=[]) %}${this.#body(3, false)}`;
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #pick<Item>(items: readonly Item[]): Item {
    return pick(this.#random, items);
  }

  #body(depth: number, inLoop: boolean): string {
    let body = '';
    for (let count = 1 + Math.floor(this.#random() * 3); count > 0; count -= 1) body += this.#statement(depth, inLoop);
    return body;
  }

  #text(): string {
    return this.#pick(['x', ' ', '\n', '  \n', '\n  ', ' y ', '\t', '<', '']);
  }

  #tag(inside: string): string {
    return `{%${this.#pick(['', '', '-', '+'])} ${inside} ${this.#pick(['', '', '-', '+'])}%}${this.#text()}`;
  }

  #print(depth: number, extra: readonly string[] = []): string {
    const expression = this.#expression(depth, extra);
    // A print of a sum with a sign in front would be read as white space control.
    return `${this.#text()}{{${this.#pick([' ', '- '])}${expression}${this.#pick([' ', ' -'])}}}`;
  }

  #statement(depth: number, inLoop: boolean): string {
    const kind = depth === 0 ? 0 : this.#random();
    if (kind < 0.4)
      return this.#print(2, inLoop ? ['loop.index', 'loop.last', 'loop.first', 'item', 'loop.previtem'] : []);
    if (kind < 0.55) return this.#if(depth, inLoop);
    if (kind < 0.7) return this.#for(depth);
    if (kind < 0.8) return this.#tag(`set ${this.#pick(['a', 'b', 'ns.x', 'a, b'])} = ${this.#expression(2)}`);
    if (kind < 0.84)
      return `${this.#tag(`set ${this.#pick(['a', 'b | trim', 'a | upper'])}`)}${this.#body(depth - 1, false)}${this.#tag('endset')}`;
    if (kind < 0.88) return this.#macro(depth);
    if (kind < 0.91)
      return `${this.#tag(`filter ${this.#pick(['upper', 'trim', "replace('x', 'zz')", 'escape'])}`)}${this.#body(depth - 1, false)}${this.#tag('endfilter')}`;
    if (kind < 0.94)
      return `${this.#tag(`with a = ${this.#expression(1)}, b = a`)}${this.#body(depth - 1, inLoop)}${this.#tag('endwith')}`;
    if (kind < 0.96) return this.#tag('set ns = namespace(x=0, y=[])');
    if (kind < 0.98 && inLoop)
      return `${this.#tag(`if ${this.#parenthesized(1, [])}`)}${this.#tag(this.#pick(['break', 'continue']))}${this.#tag('endif')}`;
    return `{#${this.#pick(['', '-'])} note ${this.#pick(['', '-'])}#}${this.#text()}`;
  }

  #if(depth: number, inLoop: boolean): string {
    let code = this.#tag(`if ${this.#parenthesized(2, [])}`) + this.#body(depth - 1, inLoop);
    if (this.#chance(0.3)) code += this.#tag(`elif ${this.#parenthesized(1, [])}`) + this.#body(depth - 1, inLoop);
    if (this.#chance(0.5)) code += this.#tag('else') + this.#body(depth - 1, inLoop);
    return code + this.#tag('endif');
  }

  #for(depth: number): string {
    const target = this.#pick(['item', 'item', 'item', 'a', 'key, item']);
    const iterable = target.includes(',')
      ? this.#pick(['person.items()', 'people[2]|dictsort', 'schema|items', '[[1, 2], [3, 4]]'])
      : this.#pick(lists);
    const condition = this.#chance(0.25) ? ` if ${this.#parenthesized(1, ['item', 'item.name'])}` : '';
    const otherwise = this.#chance(0.2) ? this.#tag('else') + this.#body(depth - 1, false) : '';
    return `${this.#tag(`for ${target} in ${iterable}${condition}`)}${this.#body(depth - 1, true)}${otherwise}${this.#tag('endfor')}`;
  }

  #macro(depth: number): string {
    this.#macros += 1;
    const name = `m${this.#macros}`;
    const definition = `${this.#tag(`macro ${name}(a, b=${this.#expression(1, ['a'])})`)}${this.#body(depth - 1, false)}${this.#pick(['', '', '{{ caller() if caller }}'])}${this.#tag('endmacro')}`;
    const call = this.#pick([
      `{{ ${name}(${this.#expression(1)}) }}`,
      `{{ ${name}(1, b=${this.#expression(1)}) | trim }}`,
      `{% call ${name}(2) %}${this.#text()}${this.#print(1)}{% endcall %}`,
      `{% set a = ${name}() %}{{ a }}`,
    ]);
    return definition + call;
  }

  #expression(depth: number, extra: readonly string[] = []): string {
    const operand = () => this.#operand(depth, extra);
    const kind = depth === 0 ? 0 : this.#random();
    if (kind < 0.45) return operand();
    if (kind < 0.65) return `${operand()} ${this.#pick(operators)} ${this.#parenthesized(depth - 1, extra)}`;
    if (kind < 0.75) return `${operand()} is ${this.#pick(['', 'not '])}${this.#pick(tests)}`;
    if (kind < 0.85)
      return `${operand()} if ${this.#parenthesized(depth - 1, extra)}${this.#pick(['', ` else ${operand()}`, ` else ${operand()}`])}`;
    if (kind < 0.9) return `not ${operand()}`;
    return `${this.#parenthesized(depth - 1, extra)}|${this.#pick(filters)}`;
  }

  #parenthesized(depth: number, extra: readonly string[]): string {
    const inside = this.#expression(depth, extra);
    return inside.includes(' ') ? `(${inside})` : inside;
  }

  /** A variable or literal with some steps after it, mostly ones that suit its type. */
  #operand(depth: number, extra: readonly string[]): string {
    if (this.#chance(0.2)) return this.#pick(literals);
    if (extra.length > 0 && this.#chance(0.4)) return this.#pick(extra);
    const isWild = this.#chance(0.15);
    const kind = this.#pick(kinds);
    let operand = isWild ? this.#pick(variables) : this.#pick(kind.variables);
    for (let count = Math.floor(this.#random() * 3); count > 0; count -= 1) {
      const step = this.#pick(isWild ? wildSteps : kind.steps);
      if (depth === 0 && step.startsWith('|')) continue;
      operand = step.startsWith('|') ? `(${operand}${step})` : operand + step;
      if (!isWild && !kind.keepsType.includes(step)) break;
    }
    return operand;
  }
}
