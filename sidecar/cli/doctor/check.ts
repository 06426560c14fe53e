/** How one check came out. A `warning` costs quality, not correctness; `skipped` says why in its detail. */
export type CheckStatus = 'passed' | 'failed' | 'warning' | 'skipped';

/** One hop looked at. */
export interface Check {
  /** Kebab-case, as `engine-reachable`. */
  readonly name: string;
  /** What was looked at: `pool/endpoint`, a pool, a listener, or `sidecar`. */
  readonly subject: string;
  readonly status: CheckStatus;
  readonly detail: string;
  /** What to do about it: a flag, an annotation, a setting. Null where there is nothing to mend. */
  readonly mend: string | null;
}

/** Checks of one subject, made by how they came out. */
export const checksOf = (subject: string) => ({
  passed: (name: string, detail: string): Check => ({ name, subject, status: 'passed', detail, mend: null }),
  failed: (name: string, detail: string, mend: string): Check => ({ name, subject, status: 'failed', detail, mend }),
  warning: (name: string, detail: string, mend: string): Check => ({ name, subject, status: 'warning', detail, mend }),
  skipped: (name: string, detail: string): Check => ({ name, subject, status: 'skipped', detail, mend: null }),
});

/** How many checks came out which way. */
export const countChecks = (checks: readonly Check[]): Readonly<Record<CheckStatus, number>> => {
  const counts = { passed: 0, failed: 0, warning: 0, skipped: 0 };
  for (const { status } of checks) counts[status] += 1;
  return counts;
};

const marks: Readonly<Record<CheckStatus, string>> = {
  passed: 'ok  ',
  failed: 'FAIL',
  warning: 'warn',
  skipped: 'skip',
};

/** A check as one line for people. */
export const checkLine = ({ name, subject, status, detail, mend }: Check): string =>
  `${marks[status]}  ${subject}  ${name}: ${detail}${mend === null ? '' : ` → ${mend}`}`;
