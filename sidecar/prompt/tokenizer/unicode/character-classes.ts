import { CODE_POINTS, forEachRun } from './runs.ts';
import { generalCategoryNames, generalCategoryRuns, spaceRanges } from './unicode-data.ts';

/** Class of code points in category Ll. Each class is one bit, so that a scanner can test for several at once. */
export const LOWER = 1;
/** Categories Lu and Lt. */
export const UPPER = 2;
/** Categories Lm and Lo: letters without case. */
export const CASELESS = 4;
/** Categories Mn, Mc and Me. */
export const MARK = 8;
/** Categories Nd, Nl and No. */
export const NUMBER = 16;
/** Categories P… and S…. */
export const SYMBOL = 32;
/** White space but CR and LF. */
export const SPACE = 64;
/** CR and LF. */
export const NEWLINE = 128;
/** Categories C…, white space excepted: no bit at all. */
export const OTHER = 0;

/** Any letter, `\p{L}`. */
export const LETTER = LOWER | UPPER | CASELESS;
/** Any white space, `\s`. */
export const WHITE = SPACE | NEWLINE;

const classOfCategory = (name: string): number => {
  if (name === 'Ll') return LOWER;
  if (name === 'Lu' || name === 'Lt') return UPPER;
  if (name === 'Lm' || name === 'Lo') return CASELESS;
  if (name.startsWith('M')) return MARK;
  if (name.startsWith('N')) return NUMBER;
  if (name.startsWith('P') || name.startsWith('S')) return SYMBOL;
  return OTHER;
};

const build = (): Uint8Array => {
  const classes = new Uint8Array(CODE_POINTS);
  const ofCategory = generalCategoryNames.map(classOfCategory);
  forEachRun(generalCategoryRuns, (first, last, category) => {
    classes.fill(ofCategory[category] ?? OTHER, first, last + 1);
  });
  for (let at = 0; at < spaceRanges.length; at += 2) {
    classes.fill(SPACE, spaceRanges[at] ?? 0, (spaceRanges[at + 1] ?? 0) + 1);
  }
  classes[0x0a] = NEWLINE;
  classes[0x0d] = NEWLINE;
  return classes;
};

let built: Uint8Array | null = null;

/**
 * Class of every code point, as the engines' split patterns see it whatever Unicode version this Node has. 1.1 MB, built
 * at the first call and shared; read only.
 */
export const characterClasses = (): Uint8Array => {
  built ??= build();
  return built;
};
