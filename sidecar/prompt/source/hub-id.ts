/** A model on the hub. */
export interface HubModel {
  /** `organization/name`, or a name alone. */
  readonly id: string;
  /** Branch, tag or commit; `main` unless said otherwise. */
  readonly revision: string;
}

// No part may be `.` or `..`: parts become folder names.
const part = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}';
const pattern = new RegExp(`^(?<id>(?:${part}/)?${part})(?:@(?<revision>[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}))?$`);

/** Reads `organization/name` or `organization/name@revision`; null for anything else, such as a path. */
export const parseHubModel = (text: string): HubModel | null => {
  const groups = pattern.exec(text)?.groups;
  const { id, revision = 'main' } = groups ?? {};
  return id === undefined || id.includes('..') ? null : { id, revision };
};
