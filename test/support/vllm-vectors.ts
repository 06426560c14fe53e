import { readdirSync, readFileSync } from 'node:fs';

/** A recorded request body, as it was sent, with the token ids that vLLM made of it. */
export interface RecordedPrompt {
  readonly name: string;
  readonly path: string;
  readonly body: Buffer;
  /** Null where the engine answered with an error. */
  readonly tokenIds: readonly number[] | null;
}

/** A body, the chat template it was rendered with and what vLLM's renderer made of it. */
export interface RecordedRender {
  readonly name: string;
  readonly template: string;
  readonly path: string;
  readonly body: Buffer;
  /** Token ids of each prompt, or the template's text; neither where vLLM refused the body. */
  readonly tokenIds: readonly (readonly number[])[] | null;
  readonly text: string | null;
}

const recordings = new URL('../fixtures/vllm/', import.meta.url);
const renders = new URL('../fixtures/prompt/vllm-0.32-render.jsonl', import.meta.url);

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};

const numbersOf = (value: unknown): readonly number[] | null =>
  Array.isArray(value) ? value.map((item) => Number(item)) : null;

/** Lines that are a JSON document. Pieces of one that was torn at a line separator within a string are left out. */
const documentLines = (file: URL): readonly string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'));

/** The text of the `body` member, which keeps its number forms; `next` is the member after it. */
const bodyText = (line: string, next: string): Buffer => {
  const start = line.indexOf('"body": ') + '"body": '.length;
  return Buffer.from(line.slice(start, line.indexOf(`, "${next}": `, start)));
};

/** The chat bodies of `tokenize-tiny-qwen.jsonl`. */
export const tokenizeVectors = (): readonly RecordedPrompt[] =>
  documentLines(new URL('tokenize-tiny-qwen.jsonl', recordings)).map((line) => {
    const { name, chat } = fieldsOf(JSON.parse(line));
    return {
      name: String(name),
      path: '/v1/chat/completions',
      body: bodyText(line, 'chat'),
      tokenIds: numbersOf(fieldsOf(chat)['prompt_token_ids']),
    };
  });

const scenarioVectorsOf = (file: URL, name: string): readonly RecordedPrompt[] =>
  documentLines(file).map((line, index) => {
    const { path, note, prompt_token_ids: tokenIds } = fieldsOf(JSON.parse(line));
    return {
      name: `${name} ${index} ${note ?? ''}`,
      path: String(path),
      body: bodyText(line, 'status'),
      tokenIds: numbersOf(tokenIds),
    };
  });

/** Every request with token ids in the scenarios recorded beside KV events. */
export const scenarioVectors = (): readonly RecordedPrompt[] =>
  readdirSync(recordings, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: version }) =>
      readdirSync(new URL(`${version}/`, recordings))
        .filter((file) => file.endsWith('.http.jsonl'))
        .flatMap((file) => scenarioVectorsOf(new URL(`${version}/${file}`, recordings), `${version}/${file}`)),
    )
    .filter(({ tokenIds }) => tokenIds !== null);

/** Everything in `vllm-0.32-render.jsonl`. */
export const renderVectors = (): readonly RecordedRender[] =>
  documentLines(renders).map((line) => {
    const { name, template, path, body, token_ids: tokenIds, text } = fieldsOf(JSON.parse(line));
    return {
      name: String(name),
      template: String(template),
      path: String(path),
      body: Buffer.from(String(body)),
      tokenIds: Array.isArray(tokenIds) ? tokenIds.map((ids) => numbersOf(ids) ?? []) : null,
      text: typeof text === 'string' ? text : null,
    };
  });
