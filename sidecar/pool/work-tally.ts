import type { EndpointId } from '../core/index.ts';
import type { InFlightWork } from './snapshot.ts';

/** What a decision puts on an endpoint. */
export interface BookedWork {
  readonly endpointId: EndpointId;
  readonly promptTokens: number;
  /** Tokens of the prompt to be computed there; the cost's U, see scheduling's `uncachedTokensOf`. */
  readonly uncachedTokens: number;
}

interface Account {
  requests: number;
  promptTokens: number;
  uncachedTokens: number;
  awaitingFirstToken: number;
  /** The sums as last handed out, null after a change. */
  work: InFlightWork | null;
}

const noWork: InFlightWork = Object.freeze({
  requests: 0,
  promptTokens: 0,
  uncachedTokens: 0,
  awaitingFirstToken: 0,
});

/** One request's part in the sums of its endpoint. Every change of it is idempotent and none follows its end. */
export class Booking {
  readonly #tally: WorkTally;
  readonly work: BookedWork;
  #remainingTokens: number;
  #isAwaiting = true;
  #hasEnded = false;

  /** Made by {@link WorkTally.book} alone. */
  constructor(tally: WorkTally, work: BookedWork) {
    this.#tally = tally;
    this.work = work;
    this.#remainingTokens = work.uncachedTokens;
  }

  get isAwaiting(): boolean {
    return this.#isAwaiting;
  }

  /** That many of the prompt's tokens, from its beginning, are computed or were cached: what remains never grows. */
  cover(coveredTokens: number): void {
    if (!this.#isAwaiting) return;
    const left = Math.max(0, Math.min(this.#remainingTokens, this.work.promptTokens - coveredTokens));
    this.#tally.add(this.work.endpointId, { uncachedTokens: left - this.#remainingTokens });
    this.#remainingTokens = left;
  }

  /** The first token came; false where it had before. */
  firstToken(): boolean {
    if (!this.#isAwaiting) return false;
    this.#isAwaiting = false;
    this.#tally.add(this.work.endpointId, { uncachedTokens: -this.#remainingTokens, awaitingFirstToken: -1 });
    this.#remainingTokens = 0;
    return true;
  }

  /** The request is over; false where it was before. */
  end(): boolean {
    if (this.#hasEnded) return false;
    this.firstToken();
    this.#hasEnded = true;
    this.#tally.add(this.work.endpointId, { requests: -1, promptTokens: -this.work.promptTokens });
    return true;
  }
}

/**
 * Sums of the work in flight on each endpoint, which several ledgers may share. Kept as bookings change, so that reading
 * is O(1); an endpoint without requests takes no memory.
 */
export class WorkTally {
  readonly #accounts = new Map<EndpointId, Account>();

  /** Work in flight on one endpoint; the same object until it changes. */
  work(endpointId: EndpointId): InFlightWork {
    const account = this.#accounts.get(endpointId);
    if (account === undefined) return noWork;
    const { requests, promptTokens, uncachedTokens, awaitingFirstToken } = account;
    account.work ??= { requests, promptTokens, uncachedTokens, awaitingFirstToken };
    return account.work;
  }

  /** Adds a request that awaits its first token. */
  book(work: BookedWork): Booking {
    const { endpointId, promptTokens, uncachedTokens } = work;
    this.add(endpointId, { requests: 1, promptTokens, uncachedTokens, awaitingFirstToken: 1 });
    return new Booking(this, work);
  }

  /** Moves an endpoint's sums; for {@link Booking} alone. */
  add(endpointId: EndpointId, change: Partial<InFlightWork>): void {
    let account = this.#accounts.get(endpointId);
    if (account === undefined) {
      account = { ...noWork, work: null };
      this.#accounts.set(endpointId, account);
    }
    account.requests += change.requests ?? 0;
    account.promptTokens += change.promptTokens ?? 0;
    account.uncachedTokens += change.uncachedTokens ?? 0;
    account.awaitingFirstToken += change.awaitingFirstToken ?? 0;
    account.work = null;
    if (account.requests === 0) this.#accounts.delete(endpointId);
  }
}

/** Creates sums without any work. */
export const createWorkTally = (): WorkTally => new WorkTally();
