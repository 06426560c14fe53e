import { createDict } from './compare.ts';
import { repr } from './print.ts';
import { iterate, unpack } from './sequences.ts';
import type { Dict } from './values.ts';
import { fail, isDict, type Keywords, PyObject, PyTuple, requireText, type Value } from './values.ts';

/** What Python's `dict(*args, **keywords)` makes. */
export const makeDict = (args: readonly Value[], keywords: Keywords): Dict => {
  if (args.length > 1) return fail('dict takes one positional argument');
  const [source] = args;
  const entries: (readonly [Value, Value])[] = [];
  if (isDict(source)) entries.push(...source);
  else if (args.length === 1) {
    for (const pair of iterate(source)) {
      const [key, value] = unpack(pair, 2);
      entries.push([key, value]);
    }
  }
  return createDict([...entries, ...keywords]);
};

/** jinja2's namespace: the only object whose attributes a template can set. */
export class Namespace extends PyObject {
  readonly typeName = 'Namespace';
  readonly #attributes: Map<Value, Value>;

  constructor(args: readonly Value[], keywords: Keywords) {
    super();
    this.#attributes = new Map(makeDict(args, keywords));
  }

  override attribute(name: string): Value {
    return name.startsWith('_') ? undefined : this.#attributes.get(name);
  }

  set(name: string, value: Value): void {
    this.#attributes.set(name, value);
  }

  override print(): string {
    return `<Namespace ${repr(this.#attributes)}>`;
  }
}

/** `{% set object.name = value %}`. */
export const setAttribute = (object: Value, name: string, value: Value): void => {
  if (object instanceof Namespace) object.set(name, value);
  else fail('cannot assign an attribute of a value that is no namespace');
};

/** Keyword arguments of a call that has `**more`; the same name twice fails. */
export const mergeKeywords = (keywords: Keywords, more: Value): Keywords => {
  if (!isDict(more)) return fail('the argument after ** is no dict');
  const merged = new Map(keywords);
  for (const [key, value] of more) {
    const name = requireText(key);
    if (merged.has(name)) return fail('an argument was given twice');
    merged.set(name, value);
  }
  return merged;
};

/** Arguments of a call that has `*more`. */
export const mergeArguments = (args: readonly Value[], more: Value): readonly Value[] =>
  more instanceof PyTuple ? [...args, ...more.items] : [...args, ...iterate(more)];
