/**
 * Why a body's prompt cannot be encoded; shown as the routing reason. The engine answers most of these with 400.
 * `not-utf8`, `invalid-json`, `not-an-object`: no JSON object. `unknown-api`: neither path nor body tell the API.
 * `invalid-…`: a member has a form that the engine refuses. `no-prompt`: the prompt is absent or empty.
 * `own-template`: the request brings its chat template. `server-state`: it refers to what the engine holds.
 * `prompt-embeds`: it brings embeddings. `unsupported`: it has a part whose prompt only the engine knows. `cut`: the body
 * ended before a prompt.
 */
export type Refusal =
  | 'not-utf8'
  | 'invalid-json'
  | 'not-an-object'
  | 'unknown-api'
  | 'invalid-messages'
  | 'invalid-tools'
  | 'invalid-variables'
  | 'invalid-prompt'
  | 'invalid-salt'
  | 'no-prompt'
  | 'own-template'
  | 'server-state'
  | 'prompt-embeds'
  | 'unsupported'
  | 'cut';

/** Either a value or why there is none. */
export type Read<Value> = { readonly value: Value } | { readonly refused: Refusal };

/** A {@link Read} without a value. */
export const refused = (why: Refusal): { readonly refused: Refusal } => ({ refused: why });

/** A {@link Read} with a value. */
export const read = <Value>(value: Value): { readonly value: Value } => ({ value });

/** The values of all readings, or the first refusal. */
export const readAll = <Input, Value>(
  inputs: readonly Input[],
  readOne: (input: Input, index: number) => Read<Value>,
): Read<readonly Value[]> => {
  const values: Value[] = [];
  for (const [index, input] of inputs.entries()) {
    const reading = readOne(input, index);
    if ('refused' in reading) return reading;
    values.push(reading.value);
  }
  return read(values);
};
