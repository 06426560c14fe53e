import { hasKey, lookup, requireHashable } from './compare.ts';
import {
  dictMethods,
  hiddenDictMethods,
  hiddenListMethods,
  listMethods,
  sequenceMethods,
} from './container-methods.ts';
import { createMarkupMethods, escapeHtml } from './markup.ts';
import { toInt } from './numbers.ts';
import { invoke, type Operation } from './operation.ts';
import { itemAt } from './sequences.ts';
import { createStringMethods } from './string-methods.ts';
import {
  fail,
  isDict,
  isList,
  type Keywords,
  Markup,
  PyObject,
  PyRange,
  PyTuple,
  textOf,
  typeName,
  type Value,
} from './values.ts';

/** A method read from a value, to be called later. */
class BoundMethod<Self> extends PyObject {
  readonly typeName = 'builtin_function_or_method';
  readonly #operation: Operation<Self>;
  readonly #self: Self;

  constructor(operation: Operation<Self>, self: Self) {
    super();
    this.#operation = operation;
    this.#self = self;
  }

  override get isCallable(): boolean {
    return true;
  }

  override call(args: readonly Value[], keywords: Keywords): Value {
    return invoke(this.#operation, this.#self, args, keywords);
  }
}

const bind = <Self>(methods: ReadonlyMap<string, Operation<Self>>, name: string, self: Self): Value => {
  const operation = methods.get(name);
  return operation === undefined ? undefined : new BoundMethod(operation, self);
};

/** Python's `getattr`, undefined where there is none or the sandbox hides it. Dict keys are no attributes. */
export const ownAttribute = (object: Value, name: string): Value => {
  if (typeof object === 'string') return bind(stringMethods, name, object);
  if (object instanceof Markup) return bind(markupMethods, name, object);
  if (isDict(object)) return bind(dictMethods, name, object);
  if (isList(object)) return bind(listMethods, name, object);
  if (object instanceof PyTuple) {
    const field = object.fieldNames.indexOf(name);
    return field === -1 ? bind(sequenceMethods, name, object.items) : object.items[field];
  }
  if (object instanceof PyRange) {
    if (name === 'start' || name === 'stop' || name === 'step') return object[name];
    return bind(sequenceMethods, name, object.toArray());
  }
  if (object === undefined) return fail(`an undefined value has no attribute '${name}'`);
  return object instanceof PyObject ? object.attribute(name) : undefined;
};

/** `object.name`: the attribute if there is one, else the item of that name; undefined where there is neither. */
export const attribute = (object: Value, name: string): Value => {
  if (!isDict(object)) return ownAttribute(object, name);
  if (hiddenDictMethods.has(name)) return undefined;
  return dictMethods.has(name) ? ownAttribute(object, name) : object.get(name);
};

/** `object.name` for a name that no Python type has as an attribute. */
export const field = (object: Value, name: string): Value =>
  object instanceof Map ? object.get(name) : ownAttribute(object, name);

/** `object[key]`: the item if there is one, else the attribute of that name; undefined where there is neither. */
export const item = (object: Value, key: Value): Value => {
  if (isDict(object)) {
    if (key instanceof Markup) return item(object, key.text);
    if (typeof key !== 'string') return isHashable(key) ? lookup(object, key) : undefined;
    const value = object.get(key);
    return value === undefined && !hasKey(object, key) ? visibleAttribute(object, key) : value;
  }
  if (typeof key === 'number')
    return object === undefined ? fail('an undefined value has no items') : itemAt(object, key);
  if (object === undefined) return fail('an undefined value has no items');
  const name = textOf(key);
  if (name !== null) return visibleAttribute(object, name);
  const index = toInt(key);
  return index === null ? undefined : itemAt(object, Number(index));
};

const visibleAttribute = (object: Value, name: string): Value => {
  if (isDict(object) && hiddenDictMethods.has(name)) return undefined;
  if (isList(object) && hiddenListMethods.has(name)) return undefined;
  return ownAttribute(object, name);
};

const isHashable = (key: Value): boolean => {
  try {
    requireHashable(key);
    return true;
  } catch {
    return false;
  }
};

/** The methods of strings; paths in their formats follow the same rules as templates. */
const stringMethods = createStringMethods({ attribute, item }, (text) => text);

const markupMethods = createMarkupMethods(createStringMethods({ attribute, item }, escapeHtml));

/** Calls a value. */
export const call = (callee: Value, args: readonly Value[], keywords: Keywords): Value => {
  if (callee instanceof PyObject) return callee.call(args, keywords);
  return fail(callee === undefined ? 'an undefined value is not callable' : `a ${typeName(callee)} is not callable`);
};

/** `object.name(args)` without a detour over a bound method for strings and dicts. */
export const callMethod = (object: Value, name: string, args: readonly Value[], keywords: Keywords): Value => {
  if (typeof object === 'string') {
    const operation = stringMethods.get(name);
    if (operation !== undefined) return invoke(operation, object, args, keywords);
  } else if (isDict(object)) {
    const operation = dictMethods.get(name);
    if (operation !== undefined) return invoke(operation, object, args, keywords);
  }
  return call(attribute(object, name), args, keywords);
};
