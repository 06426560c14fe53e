import type { NamedDiscovery } from '../../app/index.ts';
import { type Clock, delay, SidecarError } from '../../core/index.ts';
import type { DiscoveredPool, Finding } from '../../discovery/index.ts';

/** What one source of pools shows at one moment. */
export interface Look {
  /** Name of the source, as `kubernetes`. */
  readonly source: string;
  /** Empty where the first look was not complete. */
  readonly pools: readonly DiscoveredPool[];
  readonly isComplete: boolean;
  readonly findings: readonly Finding[];
}

/** How long a cluster may take to be read. */
const LIMIT_MS = 15_000;
/** What is left to other resources to answer, or fail, once one was found wanting. */
const AFTER_FINDING_MS = 1_500;
const INTERVAL_MS = 100;

const findingOf = (failure: unknown): Finding => ({
  code: 'server-unreachable',
  subject: 'Kubernetes API server',
  problem: SidecarError.from(failure, 'unavailable').message,
  mend: 'run this in the cluster, or with a KUBECONFIG that reaches it',
});

const tooSlow: Finding = {
  code: 'server-unreachable',
  subject: 'Kubernetes API server',
  problem: `it could not be read in ${LIMIT_MS / 1000} s`,
  mend: 'look at its load; give fewer namespaces in discovery.kubernetes.namespaces',
};

/**
 * Starts a source of pools, waits for its first look and ends it again. What keeps the look from being complete is in
 * `findings`, waited for no longer than it takes the rest to fail too. Rejects only where `signal` is aborted.
 */
export const lookOnce = async (
  { name, discovery }: NamedDiscovery,
  options: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Look> => {
  const { clock, signal } = options;
  const ending = new AbortController();
  const limited = AbortSignal.any([signal, ending.signal]);
  let pools: readonly DiscoveredPool[] = [];

  const giveUp = async (): Promise<'late'> => {
    let leftMs = LIMIT_MS;
    while (leftMs > 0) {
      await delay(clock, INTERVAL_MS, limited);
      leftMs -= INTERVAL_MS;
      if (discovery.findings().length > 0) leftMs = Math.min(leftMs, AFTER_FINDING_MS);
    }
    return 'late';
  };

  try {
    const started = discovery.start(limited, (found) => {
      pools = found;
    });
    const givenUp = giveUp();
    givenUp.catch(() => {});
    const outcome = await Promise.race([started.then(() => 'complete' as const), givenUp]);
    const findings = discovery.findings();
    if (outcome === 'complete') return { source: name, pools, isComplete: true, findings };
    return { source: name, pools, isComplete: false, findings: findings.length === 0 ? [tooSlow] : findings };
  } catch (failure) {
    signal.throwIfAborted();
    const findings = discovery.findings();
    return {
      source: name,
      pools,
      isComplete: false,
      findings: findings.length === 0 ? [findingOf(failure)] : findings,
    };
  } finally {
    ending.abort();
  }
};
