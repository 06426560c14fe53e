import type { Endpoint, EndpointId } from '../core/index.ts';
import { type LoadRestartSign, loadOf, restartSign } from './endpoint-load.ts';
import { FollowedSet } from './followed.ts';
import { createNotices } from './notices.ts';
import { type PoolOptions, poolDefaults } from './pool-options.ts';
import { type PoolMember, Roster, type RosterEntry } from './roster.ts';
import { createScraper, type ScrapeOutcome } from './scraper.ts';
import { createServerWatch, type ServerWatch } from './server-watch.ts';
import type { EndpointHealth, EndpointLoad, PoolSnapshot } from './snapshot.ts';

/** An endpoint's engine was started anew: its cache is empty and its streams begin again. */
export interface RestartNotice {
  readonly endpoint: EndpointId;
  /** `incarnation`: its source says so; `process-start` and `counters`: its metrics show it, up to a scrape late. */
  readonly reason: 'incarnation' | LoadRestartSign;
  /** Unix seconds at which the new process started, null where it is not reported. */
  readonly startedAtSeconds: number | null;
}

/** The endpoints of one pool right now. */
export interface Pool {
  /** The current state; the same object until something changes. Built when asked for: O(endpoints) after a change. */
  snapshot(): PoolSnapshot;
  /** Takes over the whole list of endpoints. Those that stay keep what is known of them. */
  replace(members: readonly PoolMember[]): void;
  /**
   * Told after endpoints come, go, change, or after health, models or the knowledge of a load change; not after each
   * scrape. Returns how to leave.
   */
  onChange(listener: (snapshot: PoolSnapshot) => void): () => void;
  /** Told of each scrape of each endpoint, and of null once when an endpoint's load becomes unknown. */
  onLoad(listener: (endpoint: EndpointId, load: EndpointLoad | null) => void): () => void;
  onRestart(listener: (notice: RestartNotice) => void): () => void;
  /** Told when an engine goes to sleep, which drops its cache without an event. */
  onAsleep(listener: (endpoint: EndpointId) => void): () => void;
  /** A connection to the endpoint was refused: it is `failing` until a probe finds it back. */
  reportConnectionFailure(endpoint: EndpointId): void;
  /** The endpoint answered a request. */
  reportSuccess(endpoint: EndpointId): void;
  /** Asks every engine for its models at once. */
  refreshModels(): void;
  /** Begins scraping, asking and probing, of the present endpoints and of those to come, until `signal` is aborted. */
  start(signal: AbortSignal): void;
}

/** Whether an endpoint's metrics are served by the same listener as its API. */
const servesOwnMetrics = ({ address, metricsUrl }: Endpoint): boolean =>
  metricsUrl !== null && URL.parse(metricsUrl)?.origin === URL.parse(`http://${address}`)?.origin;

/** Key of the metrics page an endpoint's load is read from, null where there is none: engine, then URL. */
const pageOf = ({ engine, metricsUrl }: Endpoint): string | null =>
  metricsUrl === null ? null : `${engine} ${metricsUrl}`;

/** Creates a pool without endpoints. Does no I/O before {@link Pool.start}. */
export const createPool = (options: PoolOptions): Pool => {
  const settings = { ...poolDefaults, ...options };
  const { name, logger, metrics } = settings;
  const changes = createNotices<[PoolSnapshot]>();
  const loads = createNotices<[EndpointId, EndpointLoad | null]>();
  const restarts = createNotices<[RestartNotice]>();
  const sleeps = createNotices<[EndpointId]>();

  const servers = new FollowedSet<ServerWatch>((address) =>
    createServerWatch({ ...settings, pool: name, address, onChange: () => takeServerChange(address) }),
  );
  const roster = new Roster(name, (address) => servers.get(address));
  const pages = new FollowedSet((page) =>
    createScraper({
      ...settings,
      pool: name,
      url: page.slice(page.indexOf(' ') + 1),
      engine: page.startsWith('sglang ') ? 'sglang' : 'vllm',
      intervalMs: settings.scrapeIntervalMs,
      onOutcome: (outcome) => takeOutcome(page, outcome),
    }),
  );

  // A look-up for each scrape: walking over all endpoints each time would cost the square of their number.
  let byPage: ReadonlyMap<string | null, RosterEntry[]> = new Map();
  let byAddress: ReadonlyMap<string, RosterEntry[]> = new Map();
  const servedBy = (page: string): readonly RosterEntry[] => byPage.get(page) ?? [];

  const serverOf = (endpoint: EndpointId): ServerWatch | undefined => {
    const entry = roster.entry(endpoint);
    return entry === undefined ? undefined : servers.get(entry.member.endpoint.address);
  };

  const tellChange = (): void => {
    const now = roster.snapshot();
    const counts: Record<EndpointHealth, number> = { unknown: 0, ready: 0, failing: 0 };
    for (const { health } of now.endpoints) counts[health] += 1;
    for (const [health, count] of Object.entries(counts)) metrics.gauge('endpoints', count, { pool: name, health });
    changes.tell(now);
  };

  const takeServerChange = (address: string): void => {
    const behind = byAddress.get(address) ?? [];
    for (const entry of behind) roster.touch(entry);
    if (behind.length > 0) tellChange();
  };

  const tellRestart = (entry: RosterEntry, reason: RestartNotice['reason']): void => {
    const endpoint = entry.member.endpoint.id;
    metrics.count('endpoint_restarts_total', { pool: name, reason });
    logger.info('engine restarted', { endpoint, reason });
    restarts.tell({ endpoint, reason, startedAtSeconds: entry.load?.processStartSeconds ?? null });
  };

  /** Takes one scrape over; true where the change is one to tell everybody. */
  const takeLoad = (entry: RosterEntry, load: EndpointLoad): boolean => {
    const { id } = entry.member.endpoint;
    const { load: known, lastLoad: previous } = entry;
    entry.load = load;
    entry.lastLoad = load;
    roster.touch(entry);
    const sign = previous === null ? null : restartSign(previous, load);
    if (sign !== null) {
      entry.hasUntoldRestart = true;
      tellRestart(entry, sign);
      serverOf(id)?.refreshModels();
    }
    if (load.isAsleep && !(previous?.isAsleep ?? false)) sleeps.tell(id);
    loads.tell(id, load);
    return known === null || known.isAsleep !== load.isAsleep;
  };

  const loseLoads = (page: string): void => {
    const stale = servedBy(page).filter(({ load }) => load !== null);
    if (stale.length === 0) return;
    for (const entry of stale) {
      entry.load = null;
      roster.touch(entry);
      loads.tell(entry.member.endpoint.id, null);
    }
    logger.warn('load unknown', { page, misses: settings.staleAfterMisses });
    tellChange();
  };

  const takeOutcome = (page: string, outcome: ScrapeOutcome): void => {
    if (outcome.kind === 'report') {
      const isNews = servedBy(page).map((entry) => {
        const load = loadOf(entry.member.endpoint, outcome.report, outcome.times);
        return load !== null && takeLoad(entry, load);
      });
      if (isNews.includes(true)) tellChange();
      return;
    }
    if (outcome.why === 'unreachable') {
      const besidePage = servedBy(page).filter(({ member }) => servesOwnMetrics(member.endpoint));
      const addresses = new Set(besidePage.map(({ member }) => member.endpoint.address));
      for (const address of addresses) servers.get(address)?.reportFailure('scrape');
    }
    if (outcome.missesInRow === settings.staleAfterMisses) loseLoads(page);
  };

  return {
    snapshot: () => roster.snapshot(),
    replace: (members) => {
      const { isChanged, restarted } = roster.replace(members);
      if (!isChanged) return;
      byAddress = Map.groupBy(roster.entries(), ({ member }) => member.endpoint.address);
      byPage = Map.groupBy(roster.entries(), ({ member }) => pageOf(member.endpoint));
      servers.follow(new Set(byAddress.keys()));
      pages.follow(new Set([...byPage.keys()].filter((page) => page !== null)));
      const addresses = new Set(restarted.map(({ member }) => member.endpoint.address));
      for (const address of addresses) servers.get(address)?.forget();
      for (const entry of restarted) {
        tellRestart(entry, 'incarnation');
        loads.tell(entry.member.endpoint.id, null);
      }
      tellChange();
    },
    onChange: changes.join,
    onLoad: loads.join,
    onRestart: restarts.join,
    onAsleep: sleeps.join,
    reportConnectionFailure: (endpoint) => serverOf(endpoint)?.reportFailure('request'),
    reportSuccess: (endpoint) => serverOf(endpoint)?.reportSuccess(),
    refreshModels: () => {
      for (const server of servers.values()) server.refreshModels();
    },
    start: (signal) => {
      if (signal.aborted) return;
      servers.start();
      pages.start();
      const stop = (): void => {
        servers.stop();
        pages.stop();
      };
      signal.addEventListener('abort', stop, { once: true });
    },
  };
};
