import type { JsonNumber } from '../../api/json-value.ts';

/** A Python dict; keys other than strings are compared by value ({@link lookup} in dicts.ts). */
export type Dict = ReadonlyMap<Value, Value>;

/**
 * A value as Python would hold it. `undefined` is jinja2's Undefined, `null` is None, a `number` is a safe int and a
 * `bigint` any other int; numbers of the request stay {@link JsonNumber} until they are used.
 */
export type Value =
  | undefined
  | null
  | boolean
  | string
  | number
  | bigint
  | JsonNumber
  | PyFloat
  | Markup
  | readonly Value[]
  | Dict
  | PyTuple
  | PyRange
  | DictView
  | PyIterator
  | PyObject;

/** Keyword arguments of a call, in order. */
export type Keywords = ReadonlyMap<string, Value>;

export const noKeywords: Keywords = new Map();

/** Python would raise: rendering ends. The message names types and template names only, never content. */
export class RenderError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RenderError';
  }
}

/** Ends the render; an expression, so that compiled code can use it anywhere. */
export const fail = (message: string): never => {
  throw new RenderError(message);
};

/**
 * A str that the filters `safe` and `escape` have marked: it prints and compares as its text, but escapes what is joined to
 * it. Templates without those filters have none.
 */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A marked str without its mark; other values as they are. */
export const unmark = (value: Value): Value => (value instanceof Markup ? value.text : value);

/** The text of a str, marked or not; null for other values. */
export const textOf = (value: Value): string | null => {
  if (typeof value === 'string') return value;
  return value instanceof Markup ? value.text : null;
};

/** The text of a value that must be a str. */
export const requireText = (value: Value): string => textOf(value) ?? fail(`a str is needed, not a ${typeName(value)}`);

/** A Python float; apart from `number` because 2.0 prints otherwise than 2. */
export class PyFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A Python tuple; `fieldNames` where its items can also be read as attributes. */
export class PyTuple {
  readonly items: readonly Value[];
  readonly fieldNames: readonly string[];

  constructor(items: readonly Value[], fieldNames: readonly string[] = []) {
    this.items = items;
    this.fieldNames = fieldNames;
  }
}

/** A Python range. */
export class PyRange {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  readonly length: number;

  constructor(start: number, stop: number, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
    this.length = Math.max(0, Math.ceil((stop - start) / step));
  }

  toArray(): readonly number[] {
    return Array.from({ length: this.length }, (_, index) => this.start + index * this.step);
  }
}

/** What `items()`, `keys()` and `values()` of a dict give. */
export class DictView {
  readonly dict: Dict;
  readonly part: 'items' | 'keys' | 'values';

  constructor(dict: Dict, part: 'items' | 'keys' | 'values') {
    this.dict = dict;
    this.part = part;
  }

  toArray(): readonly Value[] {
    if (this.part === 'keys') return [...this.dict.keys()];
    if (this.part === 'values') return [...this.dict.values()];
    return Array.from(this.dict, (entry) => new PyTuple(entry));
  }
}

/** A generator or other one-time iterator: read once, lazily, without length. */
export class PyIterator {
  readonly iterator: Iterator<Value>;

  constructor(values: Iterable<Value>) {
    this.iterator = values[Symbol.iterator]();
  }

  /** The values not read yet. */
  *rest(): Generator<Value> {
    for (let step = this.iterator.next(); step.done !== true; step = this.iterator.next()) yield step.value;
  }
}

/** Everything else that a template can hold: namespaces, macros, functions, methods, the loop. */
export abstract class PyObject {
  /** As Python's `type(x).__name__`. */
  abstract readonly typeName: string;

  /** Value of an attribute, undefined where there is none. */
  attribute(_name: string): Value {
    return undefined;
  }

  get isCallable(): boolean {
    return false;
  }

  call(_args: readonly Value[], _keywords: Keywords): Value {
    return fail(`a ${this.typeName} is not callable`);
  }

  /** As Python's `str(x)`. Fails where Python prints a memory address. */
  print(): string {
    return fail(`a ${this.typeName} has no stable text`);
  }
}

/** A function of the environment: `range`, `raise_exception` … */
export class Builtin extends PyObject {
  readonly typeName = 'function';
  readonly #run: (args: readonly Value[], keywords: Keywords) => Value;

  constructor(run: (args: readonly Value[], keywords: Keywords) => Value) {
    super();
    this.#run = run;
  }

  override get isCallable(): boolean {
    return true;
  }

  override call(args: readonly Value[], keywords: Keywords): Value {
    return this.#run(args, keywords);
  }
}

export const isDict = (value: Value): value is Dict => value instanceof Map;

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** For messages: what Python calls the type of a value. */
export const typeName = (value: Value): string => {
  if (value === undefined) return 'Undefined';
  if (value === null) return 'NoneType';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'string':
      return 'str';
    case 'number':
    case 'bigint':
      return 'int';
  }
  if (isList(value)) return 'list';
  if (isDict(value)) return 'dict';
  if (value instanceof Markup) return 'Markup';
  if (value instanceof PyTuple) return 'tuple';
  if (value instanceof PyRange) return 'range';
  if (value instanceof DictView) return `dict_${value.part}`;
  if (value instanceof PyIterator) return 'generator';
  if (value instanceof PyObject) return value.typeName;
  return 'float';
};
