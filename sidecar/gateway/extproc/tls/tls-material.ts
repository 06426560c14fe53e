/** A certificate chain and its key, both PEM. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
}
