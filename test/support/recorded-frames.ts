import { readFileSync } from 'node:fs';

/** One ZeroMQ message of a recording, frame by frame. */
export interface RecordedFrames {
  readonly atSeconds: number;
  readonly port: number | null;
  readonly frames: readonly Buffer[];
}

/** One recorded request that an engine answered with its usage. */
export interface RecordedRequest {
  readonly sentAtSeconds: number;
  readonly note: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly promptTokenIds: readonly number[];
  readonly cachedTokens: number;
}

interface MessageLine {
  readonly t?: number;
  readonly port?: number;
  readonly frames?: readonly string[];
}

interface ExchangeLine {
  readonly t_send: number;
  readonly note: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly usage?: { readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null } | null;
  readonly prompt_token_ids?: readonly number[] | null;
}

const folder = new URL('../fixtures/vllm/', import.meta.url);

const readLines = <Line>(path: string): readonly Line[] =>
  readFileSync(new URL(path, folder), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Line => JSON.parse(line));

/** Live messages or replay replies of a file under test/fixtures/vllm; `request` lines are left out. */
export const readFrames = (path: string): readonly RecordedFrames[] =>
  readLines<MessageLine>(path).flatMap(({ t, port, frames }) =>
    frames === undefined
      ? []
      : [{ atSeconds: t ?? 0, port: port ?? null, frames: frames.map((frame) => Buffer.from(frame, 'hex')) }],
  );

/** Calls of a recording that empty the engine's cache: reset, sleep, pause. */
export const readClears = (path: string): readonly { readonly sentAtSeconds: number; readonly path: string }[] =>
  readLines<ExchangeLine>(path)
    .filter((line) => /^\/(reset_prefix_cache|sleep|pause)/.test(line.path))
    .map((line) => ({ sentAtSeconds: line.t_send, path: line.path }));

/** Requests of a recording whose prompt and usage are known. */
export const readRequests = (path: string): readonly RecordedRequest[] =>
  readLines<ExchangeLine>(path).flatMap((line) =>
    line.usage && line.prompt_token_ids
      ? [
          {
            sentAtSeconds: line.t_send,
            note: line.note,
            path: line.path,
            headers: line.headers ?? {},
            body: line.body ?? {},
            promptTokenIds: line.prompt_token_ids,
            cachedTokens: line.usage.prompt_tokens_details?.cached_tokens ?? 0,
          },
        ]
      : [],
  );
