import { invoke, type Operation, variadic } from './operation.ts';
import { print } from './print.ts';
import { iterate } from './sequences.ts';
import { isList, type Keywords, Markup, PyTuple, type Value } from './values.ts';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&#39;',
  '"': '&#34;',
};

/** Text with the characters escaped that mean something in HTML, as markupsafe escapes them. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>'"]/g, (character) => escapes[character] ?? character);

/** What the filter `escape` makes: marked text stays, anything else is printed and escaped. */
export const toMarkup = (value: Value): Markup =>
  value instanceof Markup ? value : new Markup(escapeHtml(print(value)));

/** Methods of a marked str whose strings are not marked, the others being those that only search. */
const unmarkedMethods = new Set([
  'count',
  'endswith',
  'find',
  'index',
  'isalnum',
  'isalpha',
  'isascii',
  'isdecimal',
  'isdigit',
  'islower',
  'isspace',
  'istitle',
  'isupper',
  'rfind',
  'rindex',
  'startswith',
]);

/** Arguments that markupsafe escapes before the method sees them. */
const escapeArguments = (name: string, args: readonly Value[]): readonly Value[] => {
  const [first, second, ...rest] = args;
  if (name === 'replace' && args.length > 1) return [first, toMarkup(second).text, ...rest];
  if (name === 'join' && args.length === 1) return [Array.from(iterate(first), (one) => toMarkup(one).text)];
  return args;
};

const mark = (value: Value): Value => {
  if (typeof value === 'string') return new Markup(value);
  if (isList(value)) return value.map(mark);
  return value instanceof PyTuple ? new PyTuple(value.items.map(mark)) : value;
};

/** The methods of markupsafe's Markup, from those of str. */
export const createMarkupMethods = (
  stringMethods: ReadonlyMap<string, Operation<string>>,
): ReadonlyMap<string, Operation<Markup>> =>
  new Map(
    Array.from(stringMethods, ([name, operation]): readonly [string, Operation<Markup>] => [
      name,
      variadic((self: Markup, args: readonly Value[], keywords: Keywords) => {
        const result = invoke(operation, self.text, escapeArguments(name, args), keywords);
        return unmarkedMethods.has(name) ? result : mark(result);
      }),
    ]),
  );
