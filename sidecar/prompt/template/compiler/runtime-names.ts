import { attribute, call, callMethod, field, item } from '../runtime/attributes.ts';
import { compare, contains, createDict, equal, truthy } from '../runtime/compare.ts';
import { type Filter, filters } from '../runtime/filters.ts';
import { Loop } from '../runtime/loop.ts';
import { Macro, MISSING } from '../runtime/macro.ts';
import { toMarkup } from '../runtime/markup.ts';
import { mergeArguments, mergeKeywords, setAttribute } from '../runtime/namespace.ts';
import { invoke } from '../runtime/operation.ts';
import { add, applySign, divide, floorDivide, modulo, multiply, power, subtract } from '../runtime/operators.ts';
import { print } from '../runtime/print.ts';
import { iterate, slice, unpack } from '../runtime/sequences.ts';
import { type Test, tests } from '../runtime/tests.ts';
import {
  fail,
  isDict,
  type Keywords,
  Markup,
  noKeywords,
  PyFloat,
  PyIterator,
  PyTuple,
  requireText,
  type Value,
} from '../runtime/values.ts';

const isIn = (value: Value, container: Value): boolean => contains(container, value);

/** `object["key"]` for a key that is no method of dict. */
const keyed = (object: Value, key: string): Value => (object instanceof Map ? object.get(key) : item(object, key));

/** `{{ callee(…) }}`: a macro's pieces go straight to the output. */
const writeCall = (out: string[], callee: Value, args: readonly Value[], keywords: Keywords): void => {
  if (callee instanceof Macro) callee.write(out, args, keywords);
  else out.push(print(call(callee, args, keywords)));
};

/** `{{ a + b + c }}` where one of them is a str: piece by piece, all but marked strings escaped where one is marked. */
const writeSum = (out: string[], values: readonly Value[]): void => {
  const isMarked = values.some((value) => value instanceof Markup);
  for (const value of values) {
    const text = requireText(value);
    out.push(isMarked ? toMarkup(value).text : text);
  }
};

const filterNamed = (name: string): Filter => filters.get(name) ?? fail(`no filter named ${name}`);

const testNamed = (name: string): Test => tests.get(name) ?? fail(`no test named ${name}`);

/** Everything that generated code may call, under the names that it uses. */
export const runtime = {
  add,
  applySign,
  attribute,
  call,
  callMethod,
  compare,
  createDict,
  divide,
  equal,
  fail,
  field,
  filterNamed,
  floorDivide,
  invoke,
  isDict,
  isIn,
  item,
  iterate,
  keyed,
  Loop,
  MISSING,
  Macro,
  mergeArguments,
  mergeKeywords,
  modulo,
  multiply,
  noKeywords,
  power,
  print,
  PyFloat,
  PyIterator,
  PyTuple,
  requireText,
  setAttribute,
  slice,
  subtract,
  testNamed,
  truthy,
  unpack,
  writeCall,
  writeSum,
} as const;
