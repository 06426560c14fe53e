/** Number of code points, surrogates included. */
export const CODE_POINTS = 0x110000;

/**
 * Calls `visit` for each run of equal values of a table of unicode-data.ts, in code-point order; `last` is inclusive.
 * Runs cover all code points.
 */
export const forEachRun = (base64: string, visit: (first: number, last: number, value: number) => void): void => {
  const bytes = Buffer.from(base64, 'base64');
  let first = 0;
  for (let at = 0; at < bytes.length; ) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      length |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    visit(first, first + length - 1, bytes[at++] ?? 0);
    first += length;
  }
};
