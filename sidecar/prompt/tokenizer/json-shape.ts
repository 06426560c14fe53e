import { unsupported } from './unsupported.ts';

/** An object of parsed JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether parsed JSON is an object. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value as an object; unsupported where it is none. `name` says what it should be. */
export const asObject = (value: unknown, name: string): JsonObject =>
  isObject(value) ? value : unsupported(`${name} is not an object`);

/** The value as a list; unsupported where it is none. */
export const asList = (value: unknown, name: string): readonly unknown[] =>
  Array.isArray(value) ? value : unsupported(`${name} is not a list`);

/** The value as a string; unsupported where it is none. */
export const asString = (value: unknown, name: string): string =>
  typeof value === 'string' ? value : unsupported(`${name} is not a string`);

/** The value as a token id; unsupported where it is none. */
export const asTokenId = (value: unknown, name: string): number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 30
    ? value
    : unsupported(`${name} is not a token id`);

/** The member's truth; absent and null are `fallback`. */
export const flag = (object: JsonObject, name: string, fallback: boolean): boolean => {
  const value = object[name];
  if (value === undefined || value === null) return fallback;
  return typeof value === 'boolean' ? value : unsupported(`${name} is not a boolean`);
};
