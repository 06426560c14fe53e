/** One mistake in a configured profile: where, by path from the profile's root, and what is allowed there. */
export interface ProfileMistake {
  readonly path: string;
  readonly allowed: string;
}

/** Bounds of a numeric parameter, inclusive. */
export interface NumberBounds {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** Whether a parsed value is a plain object of named values. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Hands a plugin's factory its parameters, typed, and notes every mistake on the way. A parameter that is absent or
 * wrong reads as its default, so that one run finds all mistakes.
 */
export class ParameterReader {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #mistakes: ProfileMistake[];
  readonly #known = new Set<string>();

  /** `raw` is the configured `parameters`, undefined where there are none; mistakes are added to `mistakes`. */
  constructor(raw: unknown, options: { readonly path: string; readonly mistakes: ProfileMistake[] }) {
    this.#path = options.path;
    this.#mistakes = options.mistakes;
    this.#values = isRecord(raw) ? raw : {};
    if (raw !== undefined && !isRecord(raw)) this.#refuse(this.#path, 'must be a map of parameter names to values');
  }

  #refuse(path: string, allowed: string): void {
    this.#mistakes.push({ path, allowed });
  }

  #read(name: string): unknown {
    this.#known.add(name);
    return this.#values[name];
  }

  /** A finite number within bounds. */
  number(name: string, bounds: NumberBounds): number {
    const value = this.#read(name);
    if (value === undefined) return bounds.default;
    if (typeof value === 'number' && value >= bounds.min && value <= bounds.max) return value;
    this.#refuse(`${this.#path}.${name}`, `must be a number from ${bounds.min} to ${bounds.max}`);
    return bounds.default;
  }

  /** One of a few words; the first is what a missing or wrong one reads as. Required where `isRequired`. */
  choice<const Choice extends string>(
    name: string,
    choices: readonly [Choice, ...Choice[]],
    options: { readonly isRequired: boolean },
  ): Choice {
    const value = this.#read(name);
    if (value === undefined && !options.isRequired) return choices[0];
    const chosen = choices.find((choice) => choice === value);
    if (chosen !== undefined) return chosen;
    this.#refuse(`${this.#path}.${name}`, `must be ${choices.join(' or ')}`);
    return choices[0];
  }

  /** Notes every configured parameter that the factory did not ask for. Called once, after it. */
  refuseUnknown(): void {
    for (const name of Object.keys(this.#values)) {
      if (this.#known.has(name)) continue;
      const known = [...this.#known].join(', ');
      this.#refuse(`${this.#path}.${name}`, known === '' ? 'takes no parameters' : `unknown; known are ${known}`);
    }
  }
}
