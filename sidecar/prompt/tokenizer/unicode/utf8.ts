/** Bytes of the character whose first byte is `lead`; 1 for bytes that cannot be first. */
export const widthOf = (lead: number): number => {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
};

/** Code point at `at` of UTF-8 bytes; a meaningless number below 2^21 where they are not valid UTF-8. */
export const codePointAt = (bytes: Uint8Array, at: number): number => {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return lead;
  const second = (bytes[at + 1] ?? 0) & 63;
  if (lead < 0xe0) return ((lead & 31) << 6) | second;
  const third = (bytes[at + 2] ?? 0) & 63;
  if (lead < 0xf0) return ((lead & 15) << 12) | (second << 6) | third;
  return ((lead & 7) << 18) | (second << 12) | (third << 6) | ((bytes[at + 3] ?? 0) & 63);
};

/** Where the character before `at` begins; `at` must be after `start` and at a character's boundary. */
export const characterBefore = (bytes: Uint8Array, start: number, at: number): number => {
  let before = at - 1;
  while (before > start && ((bytes[before] ?? 0) & 0xc0) === 0x80) before -= 1;
  return before;
};

/** Whether a character of `bytes[start, end)` goes on beyond `end`, as where text was cut inside a character. */
export const endsInsideCharacter = (bytes: Uint8Array, start: number, end: number): boolean => {
  for (let back = 1; back <= 3 && end - back >= start; back += 1) {
    if (widthOf(bytes[end - back] ?? 0) > back) return true;
  }
  return false;
};
