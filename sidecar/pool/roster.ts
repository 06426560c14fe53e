import type { Endpoint, EndpointId, PoolName } from '../core/index.ts';
import type { ServerWatch } from './server-watch.ts';
import type { EndpointLoad, EndpointState, PoolSnapshot } from './snapshot.ts';

/** One endpoint as its source describes it; discovery's `DiscoveredEndpoint` is one. */
export interface PoolMember {
  readonly endpoint: Endpoint;
  /** True once the endpoint is going away: no new requests. */
  readonly isTerminating: boolean;
  /** Changes when the process behind the address is another one, null where unknown. */
  readonly incarnation: string | null;
}

/** What is known of one endpoint. */
export interface RosterEntry {
  member: PoolMember;
  load: EndpointLoad | null;
  /** Last scrape read, kept when it is stale, to see restarts by. */
  lastLoad: EndpointLoad | null;
  /** Whether metrics showed a restart that the endpoint's source has not told yet. */
  hasUntoldRestart: boolean;
  /** Frozen state as of the last snapshot, null after a change. */
  state: EndpointState | null;
}

/** What taking over a new list changed. */
export interface RosterChange {
  readonly isChanged: boolean;
  /** Entries behind which another process answers. */
  readonly restarted: readonly RosterEntry[];
}

const isSameEndpoint = (a: Endpoint, b: Endpoint): boolean =>
  a.address === b.address &&
  a.metricsUrl === b.metricsUrl &&
  a.eventsAddress === b.eventsAddress &&
  a.replayAddress === b.replayAddress &&
  a.name === b.name &&
  a.rank === b.rank &&
  a.hasRanks === b.hasRanks &&
  a.role === b.role &&
  a.engine === b.engine;

const isOtherIncarnation = (before: PoolMember, after: PoolMember): boolean =>
  before.incarnation !== null && after.incarnation !== null && before.incarnation !== after.incarnation;

/** The endpoints of a pool with what is known of each; makes the snapshots. */
export class Roster {
  readonly #pool: PoolName;
  readonly #serverOf: (address: string) => ServerWatch | undefined;
  readonly #entries = new Map<EndpointId, RosterEntry>();
  #version = 0;
  #snapshot: PoolSnapshot;

  /** `serverOf` tells health and models of an address at the time of a snapshot. */
  constructor(pool: PoolName, serverOf: (address: string) => ServerWatch | undefined) {
    this.#pool = pool;
    this.#serverOf = serverOf;
    this.#snapshot = Object.freeze({ pool, version: 0, endpoints: Object.freeze([]) });
  }

  entry(id: EndpointId): RosterEntry | undefined {
    return this.#entries.get(id);
  }

  entries(): RosterEntry[] {
    return [...this.#entries.values()];
  }

  /** Notes that an entry is not what the last snapshot says. */
  touch(entry: RosterEntry): void {
    entry.state = null;
    this.#version += 1;
  }

  /** The state of all; the same object until something is touched. O(endpoints) after a change. */
  snapshot(): PoolSnapshot {
    if (this.#snapshot.version !== this.#version) {
      const endpoints = Object.freeze(this.entries().map((entry) => this.#stateOf(entry)));
      this.#snapshot = Object.freeze({ pool: this.#pool, version: this.#version, endpoints });
    }
    return this.#snapshot;
  }

  /** Takes over the whole list. A restart that metrics showed already is not reported again when the source tells it. */
  replace(list: readonly PoolMember[]): RosterChange {
    const before = this.#version;
    const restarted: RosterEntry[] = [];
    const listed = new Set(list.map(({ endpoint }) => endpoint.id));
    for (const id of [...this.#entries.keys()]) {
      if (listed.has(id)) continue;
      this.#entries.delete(id);
      this.#version += 1;
    }
    for (const member of list) {
      const entry = this.#entries.get(member.endpoint.id);
      if (entry === undefined) this.#add(member);
      else if (this.#update(entry, member)) restarted.push(entry);
    }
    return { isChanged: this.#version !== before, restarted };
  }

  #add(member: PoolMember): void {
    const entry: RosterEntry = { member, load: null, lastLoad: null, hasUntoldRestart: false, state: null };
    this.#entries.set(member.endpoint.id, entry);
    this.#version += 1;
  }

  /** True where another process answers. */
  #update(entry: RosterEntry, member: PoolMember): boolean {
    const previous = entry.member;
    entry.member = member;
    const isMoved = previous.endpoint.address !== member.endpoint.address;
    const isTold = isOtherIncarnation(previous, member);
    const isNews = isMoved || (isTold && !entry.hasUntoldRestart);
    if (isTold) entry.hasUntoldRestart = false;
    if (isNews) {
      entry.load = null;
      entry.lastLoad = null;
    }
    const isChanged =
      previous.isTerminating !== member.isTerminating || !isSameEndpoint(previous.endpoint, member.endpoint);
    if (isNews || isChanged) this.touch(entry);
    return isNews;
  }

  #stateOf(entry: RosterEntry): EndpointState {
    if (entry.state !== null) return entry.state;
    const { endpoint, isTerminating } = entry.member;
    const server = this.#serverOf(endpoint.address);
    entry.state = Object.freeze({
      endpoint,
      isTerminating,
      load: entry.load,
      health: server?.health() ?? 'unknown',
      models: server?.models() ?? null,
    });
    return entry.state;
  }
}
