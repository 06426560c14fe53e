import type { EndpointLoad } from './snapshot.ts';

/** Weight that past scrapes keep at each new one: half of it is gone after 30. */
const KEPT = 0.977;
/** Arrivals to be seen before a share is told. */
const MIN_ARRIVALS = 8;

/**
 * Measures which share of the requests that reach an endpoint were decided here, where other routers send some as well:
 * own decisions over arrivals by the engine's counters, later scrapes counting more. A request that the engine runs as
 * several (`n` above 1) lowers the share by as much as it raises the engine's counts.
 */
export class ArrivalShare {
  #own = 0;
  #arrived = 0;
  #before: { readonly own: number; readonly arrived: number } | null = null;

  /** Takes a scrape over; `ownDecisions` counts those made before it was sent, ever. */
  observe(load: EndpointLoad, ownDecisions: number): void {
    if (load.finishedRequests === null) return;
    const now = { own: ownDecisions, arrived: load.finishedRequests + load.running + load.waiting };
    const before = this.#before;
    this.#before = now;
    if (before === null || now.arrived < before.arrived) return;
    this.#own = this.#own * KEPT + (now.own - before.own);
    this.#arrived = this.#arrived * KEPT + (now.arrived - before.arrived);
  }

  /** In [0, 1]; 1 until enough arrivals were seen. */
  get value(): number {
    return this.#arrived < MIN_ARRIVALS ? 1 : Math.min(1, this.#own / this.#arrived);
  }
}
