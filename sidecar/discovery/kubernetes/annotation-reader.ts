import { ANNOTATION_PREFIX, type ObjectMeta } from './objects.ts';

/** Reads annotations of one object by their name without prefix and gathers what is wrong with them. */
export interface AnnotationReader {
  readonly mistakes: string[];
  /** The value without surrounding blanks; null where it is absent or empty. */
  raw(name: string): string | null;
  /** The parsed value; null where it is absent, or where `parse` gives null, which is a mistake. */
  checked<Value>(name: string, allowed: string, parse: (value: string) => Value | null): Value | null;
  integer(name: string, bounds: { readonly min: number; readonly max: number }): number | null;
  port(name: string): number | null;
  oneOf<Value extends string>(name: string, values: readonly Value[]): Value | null;
}

/** Creates a reader. Annotations of ours that are neither `known` nor `ignored` are mistakes from the start. */
export const createAnnotationReader = (
  meta: ObjectMeta,
  options: { readonly known: readonly string[]; readonly ignored?: readonly string[] },
): AnnotationReader => {
  const { known, ignored = [] } = options;
  const mistakes: string[] = [];
  for (const key of Object.keys(meta.annotations)) {
    const name = key.slice(ANNOTATION_PREFIX.length);
    if (known.includes(name) || ignored.includes(name)) continue;
    const names = known.map((other) => ANNOTATION_PREFIX + other).join(', ');
    mistakes.push(`${key}: unknown annotation; known are ${names}`);
  }
  const raw = (name: string): string | null => {
    const value = meta.annotations[ANNOTATION_PREFIX + name]?.trim();
    return value === undefined || value === '' ? null : value;
  };
  const checked: AnnotationReader['checked'] = (name, allowed, parse) => {
    const value = raw(name);
    if (value === null) return null;
    const parsed = parse(value);
    if (parsed === null) mistakes.push(`${ANNOTATION_PREFIX}${name}: "${value}" must be ${allowed}`);
    return parsed;
  };
  const integer: AnnotationReader['integer'] = (name, { min, max }) =>
    checked(name, `a whole number from ${min} to ${max}`, (value) =>
      /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max ? Number(value) : null,
    );
  return {
    mistakes,
    raw,
    checked,
    integer,
    port: (name) => integer(name, { min: 1, max: 65_535 }),
    oneOf: (name, values) =>
      checked(name, values.join(' or '), (value) => values.find((each) => each === value) ?? null),
  };
};
