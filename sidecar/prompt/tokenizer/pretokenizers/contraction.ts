const APOSTROPHE = 0x27;

/** Bytes of `'s|'t|'re|'ve|'m|'ll|'d` at `at`, 0 where there is none. Case counts. */
export const contractionBytes = (bytes: Uint8Array, at: number, end: number): number => {
  if (bytes[at] !== APOSTROPHE || at + 1 >= end) return 0;
  const first = bytes[at + 1] ?? 0;
  if (first === 0x73 || first === 0x74 || first === 0x6d || first === 0x64) return 2;
  if (at + 2 >= end) return 0;
  return isPair(first, bytes[at + 2] ?? 0) ? 3 : 0;
};

/** Bytes of `(?i:'s|'t|'re|'ve|'m|'ll|'d)` at `at`, 0 where there is none. U+017F is an s without regard to case. */
export const contractionBytesAnyCase = (bytes: Uint8Array, at: number, end: number): number => {
  if (bytes[at] !== APOSTROPHE || at + 1 >= end) return 0;
  const raw = bytes[at + 1] ?? 0;
  if (raw === 0xc5) return at + 2 < end && bytes[at + 2] === 0xbf ? 3 : 0;
  if (raw >= 0x80) return 0;
  const first = raw | 0x20;
  if (first === 0x73 || first === 0x74 || first === 0x6d || first === 0x64) return 2;
  if (at + 2 >= end) return 0;
  const second = bytes[at + 2] ?? 0;
  return second < 0x80 && isPair(first, second | 0x20) ? 3 : 0;
};

const isPair = (first: number, second: number): boolean =>
  (first === 0x72 && second === 0x65) || (first === 0x76 && second === 0x65) || (first === 0x6c && second === 0x6c);
