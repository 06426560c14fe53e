import type { Clock, EndpointId } from '../core/index.ts';
import { ArrivalShare } from './arrival-share.ts';
import type { InferredEnd, InferredRequest } from './inferred-entry.ts';
import { LinkedQueue } from './linked-queue.ts';
import type { EndpointLoad } from './snapshot.ts';
import type { WorkTally } from './work-tally.ts';

/** A prompt that was cached whole has its first token about this long after the decision. */
const COVERED_FIRST_TOKEN_MS = 100;
/** With neither events nor scrapes a first token is taken for granted after this long. */
const BLIND_FIRST_TOKEN_MS = 1000;
/** With scrapes missing, a request that stores no block for this many decode steps, and two blocks' worth, is over. */
const SILENT_STEPS = 32;
/** With neither scrapes nor generated blocks, a request is over this long after its first token. */
const BLIND_DECODE_MS = 10_000;
/** Weight of a new measurement of the time a decode step takes. */
const STEP_WEIGHT = 0.2;

const doNothing = (): void => {};

/** What the rules of all endpoints share. */
export interface InferenceContext {
  readonly clock: Clock;
  readonly tally: WorkTally;
  /** Whether an endpoint's events arrive, so that its view tells what it computed. */
  readonly seesEvents: (endpointId: EndpointId) => boolean;
  /** `whole`: every request reaches the endpoints through this process. `measured`: others send some as well. */
  readonly share: 'whole' | 'measured';
  readonly maxAgeMs: number;
  readonly onEnd: (reason: InferredEnd) => void;
}

/** Requests of one endpoint whose responses are not seen, and the rules by which their states are inferred. */
export class InferredEndpoint {
  readonly #id: EndpointId;
  readonly #context: InferenceContext;
  readonly #requests = new LinkedQueue<InferredRequest>();
  readonly #share = new ArrivalShare();
  #decisions = 0;
  #load: EndpointLoad | null = null;
  /** Requests of other ledgers at the last scrape. */
  #othersBefore = 0;
  /** Finished requests that the engine's counters hold beyond first tokens while no request is there. */
  #counterDrift = 0;
  #stepMs: number | null = null;
  #generatedTokens = 0;
  #hasGenerated = false;

  constructor(id: EndpointId, context: InferenceContext) {
    this.#id = id;
    this.#context = context;
  }

  get size(): number {
    return this.#requests.size;
  }

  /** Adds the newest request. */
  add(request: InferredRequest): void {
    this.#decisions += 1;
    this.#requests.push(request);
    if (request.isCoveredFromStart && this.#isFollowed(request)) {
      request.cancelTimer = this.#context.clock.schedule(COVERED_FIRST_TOKEN_MS, () => this.firstToken(request));
    }
  }

  firstToken(request: InferredRequest): void {
    if (!request.booking.firstToken()) return;
    request.cancelTimer();
    request.lastSignAtMs = this.#context.clock.now();
    const { onPrefillOver } = request;
    request.onPrefillOver = doNothing;
    onPrefillOver();
  }

  /** Rule 1: a request has its first token when the endpoint holds all full blocks of its prompt. */
  progress(request: InferredRequest, coveredTokens: number): void {
    const { booking, fullBlockTokens, isCoveredFromStart } = request;
    booking.cover(coveredTokens);
    if (fullBlockTokens === null || isCoveredFromStart) return;
    if (coveredTokens >= fullBlockTokens) this.firstToken(request);
  }

  /** A block that continues the request's prompt was stored, with that many new tokens. */
  generated(request: InferredRequest, tokens: number): void {
    if (!this.#isOpen(request)) return;
    this.firstToken(request);
    const nowMs = this.#context.clock.now();
    if (request.generatedAtMs !== null && tokens > 0) {
      const stepMs = (nowMs - request.generatedAtMs) / tokens;
      this.#stepMs = this.#stepMs === null ? stepMs : this.#stepMs + STEP_WEIGHT * (stepMs - this.#stepMs);
    }
    request.generatedAtMs = nowMs;
    request.lastSignAtMs = nowMs;
    this.#generatedTokens = tokens;
    this.#hasGenerated = true;
  }

  end(request: InferredRequest, reason: InferredEnd): void {
    if (!this.#isOpen(request)) return;
    this.firstToken(request);
    if (!request.booking.end()) return;
    this.#requests.remove(request);
    this.#context.onEnd(reason);
  }

  endAll(reason: InferredEnd): void {
    for (const request of this.#requests) this.end(request, reason);
  }

  /** Takes a scrape over (null: the load became unknown) and drops what it shows to be over. */
  observeLoad(load: EndpointLoad | null): void {
    this.#load = load;
    if (load === null) return;
    const since = this.#bookedSince(load.sentAtMs);
    if (this.#context.share === 'measured') this.#share.observe(load, this.#decisions - since.requests);
    this.#limitAwaiting(load, since.unfollowed);
    this.#trim(load, since.requests);
  }

  /** Ends what no event or scrape will end. O(what has expired) while there are scrapes, else O(requests). */
  sweep(): void {
    const nowMs = this.#context.clock.now();
    for (const request of this.#requests) {
      if (nowMs - request.bookedAtMs <= this.#context.maxAgeMs) break;
      this.end(request, 'expired');
    }
    if (this.#load === null) this.#sweepBlind(nowMs);
  }

  #sweepBlind(nowMs: number): void {
    const quietMs = this.#quietMs();
    const leastAgeMs = Math.min(quietMs, BLIND_FIRST_TOKEN_MS);
    for (const request of this.#requests) {
      // Those behind it are younger still.
      if (nowMs - request.bookedAtMs < leastAgeMs) return;
      if (!request.booking.isAwaiting) {
        if (nowMs - request.lastSignAtMs >= quietMs) this.end(request, 'silent');
      } else if (!this.#isFollowed(request) && nowMs - request.bookedAtMs >= BLIND_FIRST_TOKEN_MS) {
        this.firstToken(request);
      }
    }
  }

  #isOpen(request: InferredRequest): boolean {
    return request === this.#requests.oldest || request.older !== null;
  }

  /** Whether events tell the request's first token. */
  #isFollowed(request: InferredRequest): boolean {
    return request.fullBlockTokens !== null && this.#context.seesEvents(this.#id);
  }

  /** Requests decided since a scrape was sent, which it cannot count; of them those that events do not follow. */
  #bookedSince(sentAtMs: number): { readonly requests: number; readonly unfollowed: number } {
    let requests = 0;
    let unfollowed = 0;
    for (let request = this.#requests.newest; request !== null; request = request.older) {
      if (request.bookedAtMs < sentAtMs) break;
      requests += 1;
      if (!this.#isFollowed(request)) unfollowed += 1;
    }
    return { requests, unfollowed };
  }

  /**
   * Rule 2: at most k requests are in flight; those over it are dropped. A decision raises k as much as the requests, so
   * that looking at each scrape is enough.
   */
  #trim(load: EndpointLoad, since: number): void {
    const others = this.#context.tally.work(this.#id).requests - this.#requests.size;
    // Others' requests booked after the scrape was sent are not in it: take those that were there at both scrapes.
    const othersCounted = this.#context.share === 'measured' ? 0 : Math.min(others, this.#othersBefore);
    this.#othersBefore = others;
    const counted = Math.max(0, Math.round(this.#shareValue() * (load.running + load.waiting)) - othersCounted);
    while (this.#requests.size > counted + since) {
      const over = this.#longestSilent() ?? this.#requests.oldest;
      if (over === null) return;
      this.end(over, 'trimmed');
    }
  }

  /** Rule 4: where events do not tell, the newest w requests await their first token. */
  #limitAwaiting(load: EndpointLoad, since: number): void {
    const limit = Math.round(this.#shareValue() * this.#awaitingAt(load)) + since;
    let awaiting = 0;
    for (let request = this.#requests.newest; request !== null; request = request.older) {
      if (this.#isFollowed(request) || !request.booking.isAwaiting) continue;
      awaiting += 1;
      if (awaiting > limit) this.firstToken(request);
    }
  }

  /**
   * Requests at the engine without a first token: arrivals less first tokens. The two counters may drift apart, for
   * aborted requests miss one or the other; since the outcome must lie in [0, running + waiting], each scrape bounds the
   * drift. The queue alone where there are no counters.
   */
  #awaitingAt({ running, waiting, finishedRequests, firstTokens }: EndpointLoad): number {
    if (finishedRequests === null || firstTokens === null) return waiting;
    const lead = finishedRequests - firstTokens;
    this.#counterDrift = Math.min(lead + running + waiting, Math.max(lead, this.#counterDrift));
    return lead + running + waiting - this.#counterDrift;
  }

  #shareValue(): number {
    return this.#context.share === 'measured' ? this.#share.value : 1;
  }

  /** The request past its first token that has gone longest without a generated block; null where none are seen. */
  #longestSilent(): InferredRequest | null {
    if (!this.#hasGenerated || !this.#context.seesEvents(this.#id)) return null;
    let silent: InferredRequest | null = null;
    for (const request of this.#requests) {
      if (request.booking.isAwaiting) continue;
      if (silent === null || request.lastSignAtMs < silent.lastSignAtMs) silent = request;
    }
    return silent;
  }

  /** Rule 3: how long a request may be silent while there are no scrapes. */
  #quietMs(): number {
    if (this.#stepMs === null || !this.#context.seesEvents(this.#id)) return BLIND_DECODE_MS;
    return Math.max(SILENT_STEPS, 2 * this.#generatedTokens) * this.#stepMs;
  }
}
