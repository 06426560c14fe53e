/** JSON as Python's `json` module reads it: key order, number text and lone surrogates survive. */

/**
 * A number by its text in the document, so that 2.0 stays apart from 2 and integers beyond 2^53 survive. Also stands for
 * `NaN`, `Infinity` and `-Infinity`, which Python accepts.
 */
export class JsonNumber {
  /** The characters of the document, as they stood there. */
  readonly raw: string;

  constructor(raw: string) {
    this.raw = raw;
  }

  /** Whether Python reads it as an `int`: neither fraction nor exponent, and a finite number. */
  get isInteger(): boolean {
    return /^-?\d+$/.test(this.raw);
  }

  /** Nearest double; NaN and the infinities as themselves. */
  get value(): number {
    return Number(this.raw);
  }
}

/** Keys in document order; of a key that comes twice the first place and the last value count, as in Python. */
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** Any JSON value. Strings may hold lone surrogates. */
export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject;

/** Whether a value is a {@link JsonObject}. */
export const isJsonObject = (value: JsonValue | undefined): value is JsonObject => value instanceof Map;

/** Whether a value is a list. */
export const isJsonArray = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);
