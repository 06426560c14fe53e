import { readdirSync, readFileSync } from 'node:fs';

/** A request body with the token ids that vLLM made of it; null where it answered with an error. */
export interface RecordedPrompt {
  readonly name: string;
  readonly path: string;
  readonly body: unknown;
  readonly status: number;
  readonly tokenIds: readonly number[] | null;
}

const folder = new URL('../fixtures/vllm/', import.meta.url);

/** JSON documents, one a line. Pieces of a document that was torn at line separators within a string are left out. */
const jsonLines = (text: string): readonly unknown[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const recordOf = (value: unknown): Readonly<Record<string, unknown>> => (isRecord(value) ? value : {});

const numbersOf = (value: unknown): readonly number[] | null =>
  Array.isArray(value) ? value.map((item) => Number(item)) : null;

/** The chat bodies of `tokenize-tiny-qwen.jsonl`. */
export const tokenizeVectors = (): readonly RecordedPrompt[] =>
  jsonLines(readFileSync(new URL('tokenize-tiny-qwen.jsonl', folder), 'utf8')).map((document) => {
    const { name, body, chat } = recordOf(document);
    const { status, prompt_token_ids: tokenIds } = recordOf(chat);
    return { name: String(name), path: '/v1/chat/completions', body, status: Number(status), tokenIds: numbersOf(tokenIds) };
  });

/** Every request with its prompt's token ids in the scenarios recorded beside KV events. */
export const scenarioVectors = (): readonly RecordedPrompt[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: version }) =>
      readdirSync(new URL(`${version}/`, folder))
        .filter((file) => file.endsWith('.http.jsonl'))
        .flatMap((file) =>
          jsonLines(readFileSync(new URL(`${version}/${file}`, folder), 'utf8')).map((document, index) => {
            const { body, path, status, note, prompt_token_ids: tokenIds } = recordOf(document);
            return {
              name: `${version}/${file} ${index} ${note ?? ''}`,
              path: String(path),
              body,
              status: Number(status),
              tokenIds: numbersOf(tokenIds),
            };
          }),
        ),
    )
    .filter(({ tokenIds }) => tokenIds !== null);
