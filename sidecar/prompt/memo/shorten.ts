const SPACE = 0x20;

const isLetter = (code: number): boolean => (code >= 65 && code <= 90) || (code >= 97 && code <= 122);

/** Where a text can be cut so that the words in front are the same whatever follows; 0 where there is no such place. */
const lastBorder = (text: string, length: number): number => {
  for (let at = length; at > 0; at -= 1) {
    if (text.charCodeAt(at) === SPACE && isLetter(text.charCodeAt(at - 1)) && isLetter(text.charCodeAt(at + 1)))
      return at;
  }
  return 0;
};

/**
 * The beginning of a prompt, at most `length` UTF-16 units of it, cut between two words so that its tokens are the whole
 * prompt's; the pieces themselves where they are no longer.
 */
export const shorten = (pieces: readonly string[], length: number): readonly string[] => {
  let left = length;
  for (const [at, piece] of pieces.entries()) {
    if (piece.length <= left) {
      left -= piece.length;
      continue;
    }
    return [...pieces.slice(0, at), piece.slice(0, lastBorder(piece, left))];
  }
  return pieces;
};
