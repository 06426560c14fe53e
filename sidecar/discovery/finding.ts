/**
 * What kind of thing is wrong. `access-denied`: RBAC; `credentials-refused`: 401; `resource-unknown`: a CRD is missing;
 * `server-unreachable`: no or no usable answer; `mistaken-annotation`; `mistaken-configuration`; `no-ready-endpoint`;
 * `events-unreachable`, `replay-unreachable`: an engine's event or replay port cannot be reached.
 */
export type FindingCode =
  | 'access-denied'
  | 'credentials-refused'
  | 'resource-unknown'
  | 'server-unreachable'
  | 'mistaken-annotation'
  | 'mistaken-configuration'
  | 'no-ready-endpoint'
  | 'events-unreachable'
  | 'replay-unreachable';

/** Something that a person should mend, for `/readyz`, the log and `doctor`. */
export interface Finding {
  readonly code: FindingCode;
  /** What it is about: `Service llm/qwen`, a resource, an address. */
  readonly subject: string;
  readonly problem: string;
  /** What mends it, as an instruction. */
  readonly mend: string;
}

/** One finding on one line. */
export const describeFinding = ({ subject, problem, mend }: Finding): string => `${subject}: ${problem}; ${mend}`;
