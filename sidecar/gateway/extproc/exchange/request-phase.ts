import type { ErrorCode } from '../../../core/index.ts';
import type { Decision, RoutedDecision } from '../../../routing/index.ts';
import type { BodyPool } from '../../body-pool.ts';
import { withStringReplaced } from '../../string-member.ts';
import { withTokenIds } from '../../token-ids.ts';
import { BodyStore, type StoredBody } from './body-store.ts';
import { controlOf } from './control-headers.ts';
import type { ExchangeWire } from './exchange-wire.ts';
import type { HeaderList } from './header-list.ts';
import type { MessageContext, PickChange, ProcessorReply } from './messages.ts';
import { immediateReply, pickChange, sendPieces } from './replies.ts';
import { announcedBytes, type RequestHead, routeRequestOf } from './request-head.ts';
import { isBuffering, type RequestMode, requestModeOf } from './request-mode.ts';
import { type DecisionListener, type DecisionSettings, TimelyDecision } from './timely-decision.ts';

/** What the request half of an exchange works with. */
export interface RequestSettings extends DecisionSettings {
  /** Bytes of a body that are waited for; a longer one is decided by these. */
  readonly bodyLimitBytes: number;
  /** Where memory for bodies comes from. */
  readonly bodies: BodyPool;
  /** Whether fallbacks follow the pick in a comma list. */
  readonly picksList: boolean;
  /** Whether the stream is ended once the request is through, so that nothing of the response comes. */
  readonly endsAfterRequest: boolean;
}

/** Whom the request half tells how it goes. */
export interface RequestListener {
  /** Called once with what was decided, before its reply is sent; null where routing failed, which is a bug. */
  onDecision(decision: Decision | null): void;
  /** The request's end was answered. */
  onRequestOver(): void;
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

const over: RequestState = { kind: 'over' };

/** The request half of an exchange: its state machine. */
export class RequestPhase implements DecisionListener {
  readonly #settings: RequestSettings;
  readonly #wire: ExchangeWire;
  readonly #listener: RequestListener;
  readonly #store: BodyStore;
  #state: RequestState = { kind: 'awaiting-headers' };
  #end: BodyEnd = 'open';
  /** Body messages kept; outside full-duplex each wants a reply. */
  #keptMessages = 0;
  #announcedBytes: number | null = null;
  #isAnnounced = true;
  #decision: TimelyDecision | null = null;
  #hasAnsweredHeaders = false;
  /** Bytes by which the kept body is longer than the one that came; null where it is that one. */
  #addedBytes: number | null = null;
  /** The pick, where only the trailers' reply is left to name it. */
  #unnamedDestination: string | null = null;

  constructor(settings: RequestSettings, wire: ExchangeWire, listener: RequestListener) {
    this.#settings = settings;
    this.#store = new BodyStore(settings.bodies);
    this.#wire = wire;
    this.#listener = listener;
  }

  onHeaders(headers: HeaderList, isEnd: boolean, context: MessageContext): void {
    if (this.#state.kind !== 'awaiting-headers') return;
    const { protocol } = context;
    const mode = requestModeOf(protocol);
    this.#isAnnounced = protocol !== null;
    this.#announcedBytes = announcedBytes(headers);
    const observesResponse = !this.#settings.endsAfterRequest && (protocol?.responseBodyMode ?? 'none') !== 'none';
    this.#state = {
      kind: 'collecting',
      mode,
      head: { headers, subset: context.subset(), observesResponse, control: controlOf(headers) },
    };
    if (isEnd) this.#end = 'ended';
    // A data plane that buffers may wait long for a slow client: the time to decide begins when the body is there.
    if (isBuffering(mode) && !isEnd) {
      this.#hasAnsweredHeaders = true;
      this.#wire.send({ kind: 'continue', part: 'request-headers', change: null });
      return;
    }
    this.#beginDecision();
    if (isEnd || mode === 'headers-only') this.#decide();
  }

  onBody(bytes: Buffer, isEnd: boolean): void {
    const state = this.#state;
    // Some versions of Envoy end long bodies twice.
    if (this.#end !== 'open' || state.kind === 'awaiting-headers' || state.kind === 'over') return;
    if (isEnd) this.#end = 'ended';
    switch (state.kind) {
      case 'collecting':
        this.#keep(bytes);
        this.#beginDecision();
        if (
          isBuffering(state.mode) ||
          this.#store.length >= this.#settings.bodyLimitBytes ||
          this.#isBodyWhole(state.mode)
        ) {
          this.#decide();
        }
        break;
      case 'deciding':
        this.#keep(bytes);
        break;
      case 'passing':
        if (state.mode === 'full-duplex') sendPieces('request-body', { bytes, isEnd }, this.#wire);
        else this.#wire.send(bodyGoesOn);
        this.#finish();
        break;
    }
  }

  onTrailers(): void {
    const { kind } = this.#state;
    if (this.#end === 'trailers' || kind === 'awaiting-headers' || kind === 'over') return;
    this.#end = 'trailers';
    if (kind === 'collecting') {
      this.#beginDecision();
      this.#decide();
    } else if (kind === 'passing') this.#finish();
  }

  /** The data plane sends no more. Returns whether an answer to what it sent is still to come. */
  onHalfClose(): boolean {
    // Who announces nothing may close its side in place of ending the body.
    if (this.#state.kind === 'collecting' && !this.#isAnnounced) {
      if (this.#end === 'open') this.#end = 'ended';
      this.#decide();
    }
    return this.#isDeciding() && this.#end !== 'open';
  }

  /** The stream is gone. */
  onClose(): void {
    this.#decision?.abandon();
    this.#store.take();
    this.#state = over;
  }

  onLate(): void {
    this.#decide();
  }

  onDecided(decided: Decision | null): void {
    if (this.#state.kind !== 'deciding') return;
    const { mode, head } = this.#state;
    this.#listener.onDecision(decided);
    if (decided?.kind !== 'routed') {
      this.#takeBody().giveBack();
      this.#state = over;
      this.#wire.send(immediateReply(refusalCode(decided), decided ?? undefined));
      this.#wire.end();
      return;
    }
    this.#state = { kind: 'passing', mode };
    this.#handTokenIdsOver(mode, decided);
    this.#sendPick(mode, this.#withLength(pickChange(decided, head.headers, this.#settings)));
    this.#finish();
    this.#wire.resume();
  }

  #isDeciding(): boolean {
    return this.#state.kind === 'deciding';
  }

  #beginDecision(): void {
    this.#decision ??= new TimelyDecision(this.#settings, this);
  }

  #keep(bytes: Buffer): void {
    this.#keptMessages += 1;
    this.#store.push(bytes, this.#announcedBytes);
  }

  #isBodyWhole(mode: RequestMode): boolean {
    if (this.#end !== 'open' || (mode === 'buffered' && this.#keptMessages > 0)) return true;
    return this.#store.length === this.#announcedBytes;
  }

  #decide(): void {
    if (this.#state.kind !== 'collecting') return;
    const { mode, head } = this.#state;
    this.#state = { kind: 'deciding', mode, head };
    const isComplete = this.#isBodyWhole(mode);
    this.#rewriteModel(mode, head);
    this.#decision?.ask(routeRequestOf(head, { bytes: this.#store.joined(), isComplete }));
    if (this.#isDeciding()) this.#wire.pause();
  }

  /** Names another model in the body, where it names one and can still be changed. */
  #rewriteModel(mode: RequestMode, { control }: RequestHead): void {
    const model = control?.model ?? null;
    if (model === null || !(mode === 'full-duplex' || isBuffering(mode))) return;
    const body = this.#store.joined();
    const rewritten = body === null ? null : withStringReplaced(body, 'model', JSON.stringify(model));
    if (body === null || rewritten === null) return;
    this.#store.replace(rewritten);
    this.#addedBytes = rewritten.length - body.length;
  }

  /** Adds the prompt's token ids to a buffered body, where the pool wants the engine to have them. */
  #handTokenIdsOver(mode: RequestMode, decided: RoutedDecision): void {
    if (mode !== 'buffered' || this.#keptMessages === 0) return;
    const handed = decided.takeTokenIds?.() ?? null;
    const body = handed === null ? null : this.#store.joined();
    const whole = handed === null || body === null ? null : withTokenIds(body, handed);
    if (body === null || whole === null) return;
    this.#store.replace(whole);
    this.#addedBytes = (this.#addedBytes ?? 0) + whole.length - body.length;
  }

  /** Answers everything kept so far, now that the destination is known. */
  #sendPick(mode: RequestMode, change: PickChange): void {
    if (this.#hasAnsweredHeaders) {
      const body = this.#addedBytes === null ? null : this.#store.joined();
      const whole = body === null ? change : { ...change, body };
      if (this.#keptMessages > 0) this.#wire.send({ kind: 'continue', part: 'request-body', change: whole });
      else this.#unnamedDestination = change.destination;
    } else {
      this.#wire.send({ kind: 'continue', part: 'request-headers', change });
      if (mode === 'full-duplex') this.#echoKept();
      else for (let kept = 0; kept < this.#keptMessages; kept += 1) this.#wire.send(bodyGoesOn);
    }
    if (mode !== 'full-duplex') this.#takeBody().giveBack();
  }

  /** The change with the body's new length, where the client announced one and the body is not the one that came. */
  #withLength(change: PickChange): PickChange {
    if (this.#addedBytes === null || this.#announcedBytes === null) return change;
    return { ...change, set: { ...change.set, 'content-length': String(this.#announcedBytes + this.#addedBytes) } };
  }

  /** What was kept, to be given back once it is sent. */
  #takeBody(): StoredBody {
    const stored = this.#store.take();
    return this.#decision?.isBodyFree === true ? stored : { ...stored, giveBack: () => {} };
  }

  #echoKept(): void {
    const { pieces, giveBack } = this.#takeBody();
    const last = pieces.length - 1;
    const isEnded = this.#end === 'ended';
    for (const [position, bytes] of pieces.entries()) {
      const isLast = position === last;
      const piece = { bytes, isEnd: isEnded && isLast, onSent: isLast ? giveBack : undefined };
      sendPieces('request-body', piece, this.#wire);
    }
    const isEmptyBody = pieces.length === 0 && this.#keptMessages > 0;
    if (isEmptyBody) sendPieces('request-body', { bytes: noBytes, isEnd: isEnded }, this.#wire);
  }

  #finish(): void {
    if (this.#end === 'open') return;
    const destination = this.#unnamedDestination;
    if (this.#end === 'trailers') this.#wire.send({ kind: 'trailers', part: 'request-trailers', destination });
    this.#state = over;
    this.#listener.onRequestOver();
  }
}
