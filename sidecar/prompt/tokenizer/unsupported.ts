import { SidecarError } from '../../core/index.ts';

/** Ends loading: this `tokenizer.json` has something that the own encoder does not do. Caught by the loader only. */
export const unsupported = (reason: string): never => {
  throw new SidecarError('tokenizer-unavailable', reason, { details: { reason } });
};

/** Reason given to {@link unsupported}, null for any other failure. */
export const unsupportedReason = (failure: unknown): string | null => {
  if (!(failure instanceof SidecarError) || failure.code !== 'tokenizer-unavailable') return null;
  const { reason } = failure.details;
  return typeof reason === 'string' ? reason : null;
};
