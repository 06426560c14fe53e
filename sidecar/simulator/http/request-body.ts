import { badRequest } from './api-error.ts';

/** A JSON object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Parses a request's body; anything but a JSON object is refused with 400. */
export const parseBody = (bytes: Uint8Array): JsonObject => {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw badRequest('The body is not valid JSON.');
  }
  if (!isObject(value)) throw badRequest('The body must be a JSON object.');
  return value;
};

/** A text, null where absent. This and the readers below take null for absent and refuse other types with 400. */
export const optionalString = (body: JsonObject, field: string): string | null => {
  const value = body[field] ?? null;
  if (value === null || typeof value === 'string') return value;
  throw badRequest(`${field} must be a string.`, field);
};

/** True or false, false where absent. */
export const optionalBoolean = (body: JsonObject, field: string): boolean => {
  const value = body[field] ?? false;
  if (typeof value === 'boolean') return value;
  throw badRequest(`${field} must be true or false.`, field);
};

/** An object, empty where absent. */
export const optionalObject = (body: JsonObject, field: string): JsonObject => {
  const value = body[field] ?? {};
  if (isObject(value)) return value;
  throw badRequest(`${field} must be an object.`, field);
};

/** An integer of at least 1, null where absent. */
export const optionalCount = (body: JsonObject, field: string): number | null => {
  const value = body[field] ?? null;
  if (value === null) return null;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  throw badRequest(`${field} must be an integer of at least 1.`, field);
};

const isTokenIds = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'number' && Number.isSafeInteger(item) && item >= 0);

/** Token ids, null where absent. */
export const optionalTokenIds = (body: JsonObject, field: string): Int32Array | null => {
  const value = body[field] ?? null;
  if (value === null) return null;
  if (isTokenIds(value)) return Int32Array.from(value);
  throw badRequest(`${field} must be a list of token ids.`, field);
};
