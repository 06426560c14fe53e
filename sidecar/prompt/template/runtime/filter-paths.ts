import { item } from './attributes.ts';
import { toInt } from './numbers.ts';
import { fail, textOf, type Value } from './values.ts';

/** Follows an attribute argument of a filter. */
export type PathReader = (value: Value) => Value;

const partsOf = (path: Value): readonly (string | number)[] => {
  if (path === null) return [];
  const text = textOf(path);
  if (text !== null) return text.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const index = toInt(path);
  return index === null ? fail('an attribute is named by a str or int') : [Number(index)];
};

/** Strings in lower case, other values as they are: how filters compare unless they are told to mind the case. */
export const ignoreCase: PathReader = (value) => textOf(value)?.toLowerCase() ?? value;

/** Reads `a.b.0` from a value; None reads the value itself. Undefined steps become `fallback` where it is not None. */
export const pathReader = (path: Value, fallback: Value = null): PathReader => {
  const parts = partsOf(path);
  return (value) => {
    let current = value;
    for (const part of parts) {
      current = item(current, part);
      if (current === undefined && fallback !== null) current = fallback;
    }
    return current;
  };
};

/** Reads several comma-separated paths, as a list. */
export const multiPathReader = (path: Value, postprocess: PathReader): PathReader => {
  const readers = (textOf(path)?.split(',') ?? [path]).map((one) => pathReader(one));
  return (value) => readers.map((read) => postprocess(read(value)));
};
