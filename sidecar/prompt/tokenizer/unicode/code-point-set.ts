import { CODE_POINTS, forEachRun } from './runs.ts';
import { generalCategoryNames, generalCategoryRuns, scriptNames, scriptRuns, spaceRanges } from './unicode-data.ts';

/** A set of code points as first and last of each range in turn, ascending and apart. */
export type CodePointSet = readonly number[];

/** All members of any of the sets. */
export const union = (...sets: readonly CodePointSet[]): CodePointSet => {
  const ranges: [number, number][] = [];
  for (const set of sets) {
    for (let at = 0; at < set.length; at += 2) ranges.push([set[at] ?? 0, set[at + 1] ?? 0]);
  }
  ranges.sort((a, b) => a[0] - b[0]);
  const merged: number[] = [];
  for (const [first, last] of ranges) {
    const previous = merged.length - 1;
    if (previous >= 0 && first <= (merged[previous] ?? 0) + 1) merged[previous] = Math.max(merged[previous] ?? 0, last);
    else merged.push(first, last);
  }
  return merged;
};

/** All code points that are not members. */
export const complement = (set: CodePointSet): CodePointSet => {
  const others: number[] = [];
  let next = 0;
  for (let at = 0; at < set.length; at += 2) {
    const first = set[at] ?? 0;
    if (first > next) others.push(next, first - 1);
    next = (set[at + 1] ?? 0) + 1;
  }
  if (next < CODE_POINTS) others.push(next, CODE_POINTS - 1);
  return others;
};

/** White space, `\s`. */
export const whiteSpace: CodePointSet = spaceRanges;

const membersOf = (runs: string, isMember: (value: number) => boolean): CodePointSet => {
  const ranges: number[] = [];
  forEachRun(runs, (first, last, value) => {
    if (isMember(value)) ranges.push(first, last);
  });
  return union(ranges);
};

/**
 * Members of a property as split patterns name it: a general category (`L`, `Lu`) or a script (`Han`), whatever Unicode
 * version this Node has. Null for a name that is not known.
 */
export const propertySet = (name: string): CodePointSet | null => {
  if (name.length <= 2) {
    const matches = generalCategoryNames.map((category) => category === name || category.charAt(0) === name);
    return matches.includes(true) ? membersOf(generalCategoryRuns, (value) => matches[value] === true) : null;
  }
  const script = scriptNames.indexOf(name);
  return script < 0 ? null : membersOf(scriptRuns, (value) => value === script);
};

/** The set as a class for a JavaScript pattern with the `u` flag. */
export const toPatternClass = (set: CodePointSet): string => {
  let source = '';
  for (let at = 0; at < set.length; at += 2) {
    source += `\\u{${(set[at] ?? 0).toString(16)}}-\\u{${(set[at + 1] ?? 0).toString(16)}}`;
  }
  return `[${source}]`;
};
