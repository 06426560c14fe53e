import { isJsonArray, isJsonObject, JsonNumber, type JsonObject, type JsonValue } from './json-value.ts';

/** The member where it is a string, else null. */
export const stringMember = (object: JsonObject, key: string): string | null => {
  const value = object.get(key);
  return typeof value === 'string' ? value : null;
};

/** The member where it is an object, else null. */
export const objectMember = (object: JsonObject, key: string): JsonObject | null => {
  const value = object.get(key);
  return isJsonObject(value) ? value : null;
};

/** The member where it is a list, else null. */
export const listMember = (object: JsonObject, key: string): readonly JsonValue[] | null => {
  const value = object.get(key);
  return isJsonArray(value) ? value : null;
};

/** Whether a member is there and not null. */
export const hasMember = (object: JsonObject, key: string): boolean => (object.get(key) ?? null) !== null;

const trueWords: ReadonlySet<string> = new Set(['1', 'true', 't', 'yes', 'y', 'on']);

/** The member as pydantic reads a bool (true, 1, "yes" …); `fallback` where it is absent or null. */
export const booleanMember = (object: JsonObject, key: string, fallback: boolean): boolean => {
  const value = object.get(key) ?? null;
  if (value === null) return fallback;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return trueWords.has(value.toLowerCase());
  return value instanceof JsonNumber && value.value === 1;
};

/** The member where it is an integer that a double holds exactly, else null. */
export const integerMember = (object: JsonObject, key: string): number | null => {
  const value = object.get(key);
  if (!(value instanceof JsonNumber)) return null;
  return Number.isSafeInteger(value.value) ? value.value : null;
};

/** The object with the named keys, where it has them, in front in that order. */
export const withKeysFirst = (object: JsonObject, keys: readonly string[]): JsonObject => {
  const ordered = new Map<string, JsonValue>();
  for (const key of keys) {
    const value = object.get(key);
    if (value !== undefined) ordered.set(key, value);
  }
  for (const [key, value] of object) if (!ordered.has(key)) ordered.set(key, value);
  return ordered;
};
