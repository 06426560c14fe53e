import { silentLogger } from '../../../../sidecar/core/index.ts';
import { BodyPool } from '../../../../sidecar/gateway/body-pool.ts';
import { Exchange } from '../../../../sidecar/gateway/extproc/exchange/exchange.ts';
import { HeaderList } from '../../../../sidecar/gateway/extproc/exchange/header-list.ts';
import type {
  BodyMode,
  MessageContext,
  ProcessorMessage,
  ProcessorReply,
} from '../../../../sidecar/gateway/extproc/exchange/messages.ts';
import type { Decision, Router } from '../../../../sidecar/routing/index.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { createFakeRouter, endpointAt, type FakeRouter } from '../../../support/fake-router.ts';

/** What a data plane announces in a test. */
export interface Announced {
  readonly requestBodyMode?: BodyMode;
  readonly responseBodyMode?: BodyMode;
  readonly sendsBodyAhead?: boolean;
  readonly subset?: readonly string[] | null;
  readonly served?: string | null;
}

/** An exchange without a network. */
export interface ExchangeHarness {
  readonly exchange: Exchange;
  readonly router: FakeRouter;
  readonly clock: FakeClock;
  /** Replies in short form, see {@link brief}. */
  readonly replies: readonly string[];
  readonly sent: readonly ProcessorReply[];
  readonly wire: { isEnded: boolean; isPaused: boolean };
  /** Where bodies' memory comes from. */
  readonly bodies: BodyPool;
  /** Everything sent so far has left. */
  flush(): void;
  readonly decided: readonly (Decision | null)[];
  readonly abandoned: readonly string[];
  /** What was waited for beyond the deadline. */
  readonly late: readonly string[];
  headers(announced?: Announced | null, request?: Readonly<Record<string, string>>, isEnd?: boolean): void;
  body(text: string, isEnd?: boolean): void;
  trailers(): void;
  responseHeaders(headers?: Readonly<Record<string, string>>, options?: { isEnd?: boolean; served?: string }): void;
  responseBody(text: string, isEnd?: boolean): void;
}

/** `request-headers→10.0.0.1:1`, `request-body`, `request-body "text"`, `request-body "text" end`, `429`. */
const brief = (reply: ProcessorReply): string => {
  switch (reply.kind) {
    case 'continue':
      return reply.change !== null && 'destination' in reply.change
        ? `${reply.part}→${reply.change.destination}`
        : reply.part;
    case 'piece':
      return `${reply.part} ${JSON.stringify(Buffer.from(reply.bytes).toString())}${reply.isEnd ? ' end' : ''}`;
    case 'trailers':
      return reply.part;
    case 'immediate':
      return String(reply.httpStatus);
  }
};

const contextOf = (announced: Announced | null): MessageContext => ({
  protocol:
    announced === null
      ? null
      : {
          requestBodyMode: announced.requestBodyMode ?? 'full-duplex',
          responseBodyMode: announced.responseBodyMode ?? 'none',
          sendsBodyAhead: announced.sendsBodyAhead ?? false,
        },
  subset: () => announced?.subset ?? null,
  served: () => announced?.served ?? null,
});

/** The endpoint that the harness's router picks. */
export const picked = '10.0.0.1:1';

/** Starts an exchange on a clock that stands still; `route` replaces what the fake router does. */
export const startExchange = (
  options: {
    readonly route?: (fake: FakeRouter) => Router['route'];
    readonly endpoints?: readonly string[];
    readonly decide?: Parameters<typeof createFakeRouter>[1];
    readonly bodyLimitBytes?: number;
    readonly picksList?: boolean;
    readonly endsAfterRequest?: boolean;
  } = {},
): ExchangeHarness => {
  const endpoints = (options.endpoints ?? [picked]).map((address) => endpointAt(address));
  const router = createFakeRouter(endpoints, options.decide);
  const clock = createFakeClock();
  const replies: string[] = [];
  const sent: ProcessorReply[] = [];
  const decided: (Decision | null)[] = [];
  const abandoned: string[] = [];
  const late: string[] = [];
  const wire = { isEnded: false, isPaused: false };
  const bodies = new BodyPool();
  const whenSent: (() => void)[] = [];
  const exchange = new Exchange(
    {
      router: { route: options.route?.(router) ?? router.route },
      clock,
      logger: silentLogger,
      decisionTimeoutMs: 200,
      onDeadline: (waitedFor) => void late.push(waitedFor),
      bodyLimitBytes: options.bodyLimitBytes ?? 1_000_000,
      bodies,
      picksList: options.picksList ?? false,
      endsAfterRequest: options.endsAfterRequest ?? false,
    },
    {
      send: (reply, onSent) => {
        if (wire.isEnded) return;
        if (onSent !== undefined) whenSent.push(onSent);
        sent.push(reply);
        replies.push(brief(reply));
      },
      pause: () => {
        wire.isPaused = true;
      },
      resume: () => {
        wire.isPaused = false;
      },
      end: () => {
        wire.isEnded = true;
      },
    },
    {
      decided: (decision) => void decided.push(decision),
      firstToken: () => {},
      abandoned: ({ id }) => void abandoned.push(id),
    },
  );
  const deliver = (message: ProcessorMessage, context: MessageContext = contextOf(null)): void =>
    exchange.onMessage(message, context);
  const listOf = (headers: Readonly<Record<string, string>>): HeaderList => headerList(Object.entries(headers));
  return {
    exchange,
    router,
    clock,
    replies,
    sent,
    wire,
    bodies,
    flush: () => {
      for (const onSent of whenSent.splice(0)) onSent();
    },
    decided,
    abandoned,
    late,
    headers: (announced = {}, request = {}, isEnd = false) =>
      deliver(
        {
          kind: 'request-headers',
          headers: listOf({ ':method': 'POST', ':path': '/v1/completions', ...request }),
          isEnd,
        },
        contextOf(announced),
      ),
    body: (text, isEnd = false) => deliver({ kind: 'request-body', bytes: Buffer.from(text), isEnd }),
    trailers: () => deliver({ kind: 'request-trailers' }),
    responseHeaders: (headers = {}, { isEnd = false, served } = {}) =>
      deliver(
        { kind: 'response-headers', headers: listOf({ ':status': '200', ...headers }), isEnd },
        { ...contextOf(null), served: () => served ?? null },
      ),
    responseBody: (text, isEnd = false) => deliver({ kind: 'response-body', bytes: Buffer.from(text), isEnd }),
  };
};

/** The body that routing was given with one of its requests, as text. */
export const bodyTold = ({ requests }: FakeRouter, position = 0): string | null => {
  const body = requests[position]?.body;
  return body === null || body === undefined ? null : Buffer.from(body).toString();
};

/** A router whose first answer waits for the test. */
export const waitingOnce = () => {
  const gate = Promise.withResolvers<void>();
  const route = (fake: FakeRouter): Router['route'] => {
    let calls = 0;
    return (request) => {
      calls += 1;
      if (calls > 1) return fake.route(request);
      return gate.promise.then((): Decision | Promise<Decision> => fake.route(request));
    };
  };
  return { gate, route };
};

/** Headers as they come off the wire. */
const headerList = (headers: readonly (readonly [name: string, value: string])[]): HeaderList => {
  let text = '';
  const spans: number[] = [];
  for (const part of headers.flat()) {
    spans.push(text.length, text.length + part.length);
    text += part;
  }
  return new HeaderList(Buffer.from(text), spans);
};
