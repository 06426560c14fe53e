import type { LogFields } from '../core/index.ts';

// Names that hold credentials or what people wrote to a model, whole or as the last word (`apiKey`, `upstream_password`).
const whole = /^(prompt|messages|content|body|headers?|text|token|token_?ids|query)$/i;
const lastWord =
  /(authorization|cookie|passw(or)?d|secret|credentials?|api_?-?key|private_?-?key|(access|refresh|id|bearer|auth)_?-?token)$/i;

/** Whether a field of this name may hold a credential or a prompt. */
export const isSuspicious = (name: string): boolean => whole.test(name) || lastWord.test(name);

/** The fields with the values of suspicious names taken out; the same object where there are none. */
export const redact = (fields: LogFields): LogFields => {
  const names = Object.keys(fields).filter((name) => isSuspicious(name));
  if (names.length === 0) return fields;
  return { ...fields, ...Object.fromEntries(names.map((name) => [name, '[redacted]'])) };
};
