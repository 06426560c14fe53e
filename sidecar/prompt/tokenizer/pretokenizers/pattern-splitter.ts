/** One splitting step: where its pattern matches and what of the text stays. */
export interface SplitStep {
  readonly pattern: RegExp;
  readonly keepsMatches: boolean;
  /** Whether text between matches stays, each stretch a word of its own. */
  readonly keepsGaps: boolean;
}

const splitOnce = (text: string, { pattern, keepsMatches, keepsGaps }: SplitStep, into: string[]): void => {
  let at = 0;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [matched] = match;
    if (matched === '') pattern.lastIndex += (text.codePointAt(match.index) ?? 0) > 0xffff ? 2 : 1;
    if (keepsGaps && match.index > at) into.push(text.slice(at, match.index));
    if (keepsMatches && matched !== '') into.push(matched);
    at = match.index + matched.length;
  }
  if (keepsGaps && at < text.length) into.push(text.slice(at));
};

/** Words of a text by steps, each splitting what the one before it left. */
export const splitByPatterns = (text: string, steps: readonly SplitStep[]): readonly string[] => {
  let pieces: string[] = [text];
  for (const step of steps) {
    const smaller: string[] = [];
    for (const piece of pieces) splitOnce(piece, step, smaller);
    pieces = smaller;
  }
  return pieces;
};
