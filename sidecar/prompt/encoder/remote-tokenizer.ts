import { type Clock, SidecarError } from '../../core/index.ts';
import type { ApiKind } from '../types.ts';
import type { RemoteTokenizer } from './remote-encoder.ts';
import { readRenderAnswer } from './render-answer.ts';

/** The part of `fetch` that is needed. */
export type Fetch = (
  url: string,
  request: {
    readonly method: 'POST';
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Uint8Array;
    readonly signal: AbortSignal;
  },
) => Promise<{ readonly status: number; json(): Promise<unknown> }>;

/** Options of {@link createRemoteTokenizer}. */
export interface RemoteTokenizerOptions {
  /** `http://host:port` of an engine that serves the model, null where none is known at the moment. */
  readonly baseUrl: () => string | null;
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** How long an answer may take; default 2,000. */
  readonly timeoutMs?: number;
}

/** Paths that give an API's tokens, best first; what `/tokenize` leaves out is in its documentation. */
const pathsOf: Readonly<Partial<Record<ApiKind, readonly string[]>>> = {
  chat: ['/v1/chat/completions/render', '/tokenize'],
  completions: ['/v1/completions/render', '/tokenize'],
  responses: ['/v1/responses/render'],
  messages: ['/v1/messages/render'],
  tokenize: ['/tokenize'],
};

/** Answers that mean that the server has no such path, or has it switched off (vLLM since 0.30). */
const absentStatuses: ReadonlySet<number> = new Set([403, 404, 405, 501]);
const defaultTimeoutMs = 2000;
/** How long a path counts as absent before it is tried again. */
const absentForMs = 300_000;

/**
 * Tokenizes by asking a vLLM server: `…/render` where it is on, else `/tokenize`, with the request's bytes as they came.
 * Which paths a server lacks is remembered for five minutes.
 */
export const createRemoteTokenizer = (options: RemoteTokenizerOptions): RemoteTokenizer => {
  const { clock, fetch } = options;
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const absentUntilMs = new Map<string, number>();

  const post = async (url: string, body: Uint8Array): ReturnType<Fetch> => {
    const aborter = new AbortController();
    const cancel = clock.schedule(timeoutMs, () => aborter.abort());
    try {
      return await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: aborter.signal,
      });
    } catch (failure) {
      throw SidecarError.from(failure, aborter.signal.aborted ? 'upstream-timeout' : 'unavailable');
    } finally {
      cancel();
    }
  };

  return {
    tokenize: async ({ api, body }) => {
      const base = options.baseUrl();
      if (base === null) throw new SidecarError('unavailable', 'no engine is known to tokenize with');
      for (const path of pathsOf[api] ?? []) {
        const url = `${base}${path}`;
        if ((absentUntilMs.get(url) ?? 0) > clock.now()) continue;
        const answer = await post(url, body);
        if (absentStatuses.has(answer.status)) {
          absentUntilMs.set(url, clock.now() + absentForMs);
          continue;
        }
        if (answer.status !== 200)
          throw new SidecarError('template-failed', 'the engine refused to tokenize', {
            details: { status: answer.status },
          });
        const prompts = readRenderAnswer(await answer.json());
        if (prompts === null) throw new SidecarError('unavailable', 'the engine answered without tokens');
        return prompts;
      }
      throw new SidecarError('unavailable', 'the engine cannot tokenize this kind of request', { details: { api } });
    },
  };
};
