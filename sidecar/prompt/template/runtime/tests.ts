import { compare, contains, equal, identical, isCallable } from './compare.ts';
import { toInt, toNumeric } from './numbers.ts';
import { type Operation, takesPositional } from './operation.ts';
import { modulo } from './operators.ts';
import { print } from './print.ts';
import { isIterable, sizeOf } from './sequences.ts';
import { isLower, isUpper } from './string-methods.ts';
import { DictView, isDict, Markup, PyFloat, textOf, type Value } from './values.ts';

/** A test, `value is name(args)`. */
export type Test = Operation<Value, boolean>;

const unary = (run: (value: Value) => boolean): Test => takesPositional([], {}, run);

const binary = (run: (value: Value, other: Value) => boolean): Test => takesPositional(['other'], {}, run);

const isFloat = (value: Value): boolean => toNumeric(value) instanceof PyFloat;

const eq = binary(equal);
const ne = binary((value, other) => !equal(value, other));
const lt = binary((value, other) => compare(value, other) < 0);
const le = binary((value, other) => compare(value, other) <= 0);
const gt = binary((value, other) => compare(value, other) > 0);
const ge = binary((value, other) => compare(value, other) >= 0);

/** jinja2's tests, by name; `filter` and `test` are left out. */
export const tests: ReadonlyMap<string, Test> = new Map<string, Test>([
  ['defined', unary((value) => value !== undefined)],
  ['undefined', unary((value) => value === undefined)],
  ['escaped', unary((value) => value instanceof Markup)],
  ['none', unary((value) => value === null)],
  ['boolean', unary((value) => typeof value === 'boolean')],
  ['true', unary((value) => value === true)],
  ['false', unary((value) => value === false)],
  ['integer', unary((value) => typeof value !== 'boolean' && toInt(value) !== null)],
  ['float', unary(isFloat)],
  ['number', unary((value) => toNumeric(value) !== null)],
  ['string', unary((value) => textOf(value) !== null)],
  ['mapping', unary(isDict)],
  ['iterable', unary(isIterable)],
  ['sequence', unary((value) => !(value instanceof DictView) && sizeOf(value) !== null)],
  ['callable', unary(isCallable)],
  ['lower', unary((value) => isLower(print(value)))],
  ['upper', unary((value) => isUpper(print(value)))],
  ['odd', unary((value) => equal(modulo(value, 2), 1))],
  ['even', unary((value) => equal(modulo(value, 2), 0))],
  ['divisibleby', takesPositional(['num'], {}, (value, num) => equal(modulo(value, num), 0))],
  ['sameas', binary(identical)],
  ['in', binary((value, container) => contains(container, value))],
  ['eq', eq],
  ['==', eq],
  ['equalto', eq],
  ['ne', ne],
  ['!=', ne],
  ['lt', lt],
  ['<', lt],
  ['lessthan', lt],
  ['le', le],
  ['<=', le],
  ['gt', gt],
  ['>', gt],
  ['greaterthan', gt],
  ['ge', ge],
  ['>=', ge],
]);
