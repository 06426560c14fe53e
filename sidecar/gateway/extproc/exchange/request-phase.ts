import type { Clock, ErrorCode, Logger } from '../../../core/index.ts';
import type { Decision, RoutedDecision, Router } from '../../../routing/index.ts';
import { BodyStore } from './body-store.ts';
import type { ExchangeWire } from './exchange-wire.ts';
import type { HeaderList } from './header-list.ts';
import type { MessageContext, PickChange, ProcessorReply } from './messages.ts';
import { immediateReply, pickChange, sendPieces } from './replies.ts';
import { announcedBytes, type RequestHead, routeRequestOf } from './request-head.ts';
import { isBuffering, type RequestMode, requestModeOf } from './request-mode.ts';
import { createTimelyDecision, type TimelyDecision } from './timely-decision.ts';

/** What the request half of an exchange works with. */
export interface RequestPhaseOptions {
  readonly router: Router;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds from when a decision can be begun until one is given. */
  readonly decisionTimeoutMs: number;
  /** Bytes of a body that are waited for; a longer one is decided by these. */
  readonly bodyLimitBytes: number;
  /** Whether fallbacks follow the pick in a comma list. */
  readonly picksList: boolean;
  /** False where the exchange is ended before the response. */
  readonly observesResponses: boolean;
  readonly send: (reply: ProcessorReply) => void;
  readonly wire: ExchangeWire;
  /** Called once with what was decided, before its reply is sent; null where routing failed, which is a bug. */
  readonly onDecision: (decision: Decision | null) => void;
  /** The request's end was answered. */
  readonly onOver: () => void;
}

/** The request half of an exchange. */
export interface RequestPhase {
  onHeaders(headers: HeaderList, isEnd: boolean, context: MessageContext): void;
  onBody(bytes: Buffer, isEnd: boolean): void;
  onTrailers(): void;
  /** The data plane sends no more. Returns whether an answer to what it sent is still to come. */
  onHalfClose(): boolean;
  /** The stream is gone. */
  onClose(): void;
}

/** Where a request stands. */
type RequestState =
  | { readonly kind: 'awaiting-headers' }
  /** Parts are kept until enough is there to decide. */
  | { readonly kind: 'collecting'; readonly mode: RequestMode; readonly head: RequestHead }
  /** Routing was asked; what comes meanwhile is kept. */
  | { readonly kind: 'deciding'; readonly mode: RequestMode; readonly head: RequestHead }
  /** An endpoint is picked and named: parts go on as they come. */
  | { readonly kind: 'passing'; readonly mode: RequestMode }
  | { readonly kind: 'over' };

/** How a body ends: not yet, with its last bytes, or with trailers. */
type BodyEnd = 'open' | 'ended' | 'trailers';

const noBytes = Buffer.alloc(0);
const bodyGoesOn: ProcessorReply = { kind: 'continue', part: 'request-body', change: null };

const refusalCode = (decided: Exclude<Decision, RoutedDecision> | null): ErrorCode => {
  if (decided === null) return 'internal';
  return decided.kind === 'refused' ? 'saturated' : 'no-endpoint';
};

/** Creates the state machine of one request. */
export const createRequestPhase = (options: RequestPhaseOptions): RequestPhase => {
  const { send, wire } = options;
  const store = new BodyStore();
  let state: RequestState = { kind: 'awaiting-headers' };
  let end: BodyEnd = 'open';
  /** Body messages kept; outside full-duplex each wants a reply. */
  let keptMessages = 0;
  let isAnnounced = true;
  let decision: TimelyDecision | null = null;
  let hasAnsweredHeaders = false;
  /** The pick, where only the trailers' reply is left to name it. */
  let unnamedDestination: string | null = null;

  const finish = (): void => {
    if (end === 'open') return;
    if (end === 'trailers') send({ kind: 'trailers', part: 'request-trailers', destination: unnamedDestination });
    state = { kind: 'over' };
    options.onOver();
  };

  const echoKept = (): void => {
    const pieces = store.take();
    const last = pieces.length - 1;
    for (const [position, bytes] of pieces.entries()) {
      sendPieces('request-body', { bytes, isEnd: end === 'ended' && position === last }, send);
    }
    const isEmptyBody = pieces.length === 0 && keptMessages > 0;
    if (isEmptyBody) sendPieces('request-body', { bytes: noBytes, isEnd: end === 'ended' }, send);
  };

  /** Answers everything kept so far, now that the destination is known. */
  const sendPick = (mode: RequestMode, change: PickChange): void => {
    if (hasAnsweredHeaders) {
      if (keptMessages > 0) send({ kind: 'continue', part: 'request-body', change });
      else unnamedDestination = change.destination;
    } else {
      send({ kind: 'continue', part: 'request-headers', change });
      if (mode === 'full-duplex') echoKept();
      else for (let kept = 0; kept < keptMessages; kept += 1) send(bodyGoesOn);
    }
    store.take();
  };

  const onDecided = (decided: Decision | null): void => {
    if (state.kind !== 'deciding') return;
    const { mode, head } = state;
    options.onDecision(decided);
    if (decided?.kind !== 'routed') {
      store.take();
      state = { kind: 'over' };
      send(immediateReply(refusalCode(decided), decided ?? undefined));
      wire.end();
      return;
    }
    state = { kind: 'passing', mode };
    sendPick(mode, pickChange(decided, { headers: head.headers, picksList: options.picksList }));
    finish();
    wire.resume();
  };

  const isBodyWhole = (mode: RequestMode, head: RequestHead): boolean =>
    end !== 'open' || (mode === 'buffered' && keptMessages > 0) || store.length === announcedBytes(head.headers);

  const decide = (): void => {
    if (state.kind !== 'collecting') return;
    const { mode, head } = state;
    state = { kind: 'deciding', mode, head };
    const isComplete = isBodyWhole(mode, head);
    decision?.ask(routeRequestOf(head, { bytes: store.joined(), isComplete }));
    if (isDeciding()) wire.pause();
  };
  const isDeciding = (): boolean => state.kind === 'deciding';

  const beginDecision = (): void => {
    const { router, clock, logger, decisionTimeoutMs: timeoutMs } = options;
    decision ??= createTimelyDecision({ router, clock, logger, timeoutMs, onLate: decide, onDecided });
  };

  const collect = (mode: RequestMode, head: RequestHead, bytes: Buffer): void => {
    keptMessages += 1;
    store.push(bytes);
    beginDecision();
    if (isBuffering(mode) || store.length >= options.bodyLimitBytes || isBodyWhole(mode, head)) decide();
  };

  return {
    onHeaders: (headers, isEnd, context) => {
      if (state.kind !== 'awaiting-headers') return;
      const mode = requestModeOf(context.protocol);
      isAnnounced = context.protocol !== null;
      const observesResponse = options.observesResponses && (context.protocol?.responseBodyMode ?? 'none') !== 'none';
      state = { kind: 'collecting', mode, head: { headers, subset: context.subset(), observesResponse } };
      if (isEnd) end = 'ended';
      // A data plane that buffers may wait long for a slow client: the time to decide begins when the body is there.
      if (isBuffering(mode) && !isEnd) {
        hasAnsweredHeaders = true;
        send({ kind: 'continue', part: 'request-headers', change: null });
        return;
      }
      beginDecision();
      if (isEnd || mode === 'headers-only') decide();
    },
    onBody: (bytes, isEnd) => {
      // Some versions of Envoy end long bodies twice.
      if (end !== 'open' || state.kind === 'awaiting-headers' || state.kind === 'over') return;
      if (isEnd) end = 'ended';
      switch (state.kind) {
        case 'collecting':
          collect(state.mode, state.head, bytes);
          break;
        case 'deciding':
          keptMessages += 1;
          store.push(bytes);
          break;
        case 'passing':
          if (state.mode === 'full-duplex') sendPieces('request-body', { bytes, isEnd }, send);
          else send(bodyGoesOn);
          finish();
          break;
      }
    },
    onTrailers: () => {
      if (end === 'trailers' || state.kind === 'awaiting-headers' || state.kind === 'over') return;
      end = 'trailers';
      if (state.kind === 'collecting') {
        beginDecision();
        decide();
      } else if (state.kind === 'passing') finish();
    },
    onHalfClose: () => {
      // Who announces nothing may close its side in place of ending the body.
      if (state.kind === 'collecting' && !isAnnounced) {
        if (end === 'open') end = 'ended';
        decide();
      }
      return isDeciding() && end !== 'open';
    },
    onClose: () => {
      decision?.abandon();
      store.take();
      state = { kind: 'over' };
    },
  };
};
