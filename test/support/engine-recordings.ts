import { readFileSync } from 'node:fs';
import { decode } from '@msgpack/msgpack';

/** One message of a recorded event stream, as a SUB socket got it. */
export interface RecordedMessage {
  readonly atSeconds: number;
  readonly topic: string;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** One recorded HTTP exchange; token ids are null where the answer had none. */
export interface RecordedExchange {
  readonly atSeconds: number;
  readonly note: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>> | null;
  readonly status: number;
  readonly usage: unknown;
  readonly error: unknown;
  readonly promptTokenIds: readonly number[] | null;
  readonly outputTokenIds: readonly number[] | null;
}

interface MessageLine {
  readonly t: number;
  readonly frames: readonly [string, string, string];
}

interface ExchangeLine {
  readonly t_send: number;
  readonly note: string | null;
  readonly method?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>> | null;
  readonly status: number;
  readonly usage?: unknown;
  readonly error?: unknown;
  readonly response?: { readonly error?: unknown } | null;
  readonly prompt_token_ids?: readonly number[] | null;
  readonly output_token_ids?: readonly number[] | null;
}

const folder = new URL('../fixtures/vllm/', import.meta.url);

/** Text of a fixture file, by its path under test/fixtures/vllm. */
export const readRecording = (path: string): string => readFileSync(new URL(path, folder), 'utf8');

const readLines = <Line>(path: string): readonly Line[] =>
  readRecording(path)
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Line => JSON.parse(line));

/** Messages of a scenario, such as `v0.32.0-map/a_prefix`. */
export const readMessages = (scenario: string): readonly RecordedMessage[] =>
  readLines<MessageLine>(`${scenario}.events.jsonl`).map(({ t, frames: [topic, sequence, payload] }) => ({
    atSeconds: t,
    topic: Buffer.from(topic, 'hex').toString(),
    sequence: Number(Buffer.from(sequence, 'hex').readBigUInt64BE()),
    payload: Buffer.from(payload, 'hex'),
  }));

/** Requests of a scenario, in the order sent. */
export const readExchanges = (scenario: string): readonly RecordedExchange[] =>
  readLines<ExchangeLine>(`${scenario}.http.jsonl`).map((line) => ({
    atSeconds: line.t_send,
    note: line.note ?? '',
    method: line.method ?? 'POST',
    path: line.path,
    headers: line.headers,
    body: line.body,
    status: line.status,
    usage: line.usage ?? null,
    error: line.error ?? line.response?.error ?? null,
    promptTokenIds: line.prompt_token_ids ?? null,
    outputTokenIds: line.output_token_ids ?? null,
  }));

/** Decodes an event batch with 64-bit integers whole. */
export const decodeBatch = (payload: Uint8Array): unknown => decode(payload, { useBigInt64: true });
