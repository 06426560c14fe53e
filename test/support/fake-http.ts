import type { HttpAnswer, HttpGet } from '../../sidecar/pool/index.ts';

/** What a fake answers: an answer at once, or whatever a function says at the time. */
type Reply = HttpAnswer | (() => HttpAnswer | Promise<HttpAnswer>);

/** An HTTP reader that answers from a table. */
export interface FakeHttp {
  readonly get: HttpGet;
  /** Sets what a URL answers from here on; a URL that was never set is `unreachable`. */
  set(url: string, reply: Reply): void;
  /** URLs asked for, in order. */
  readonly asked: readonly string[];
  /** How often one URL was asked for. */
  count(url: string): number;
}

/** An answer of status 200. */
export const ok = (text: string): HttpAnswer => ({ kind: 'answered', status: 200, text });

/** No connection. */
export const refused: HttpAnswer = { kind: 'unreachable', why: 'ECONNREFUSED' };

/** Creates a reader that reaches nothing. */
export const createFakeHttp = (): FakeHttp => {
  const replies = new Map<string, Reply>();
  const asked: string[] = [];
  return {
    asked,
    count: (url) => asked.filter((one) => one === url).length,
    set: (url, reply) => {
      replies.set(url, reply);
    },
    get: async (url) => {
      asked.push(url);
      const reply = replies.get(url) ?? refused;
      return typeof reply === 'function' ? reply() : reply;
    },
  };
};
