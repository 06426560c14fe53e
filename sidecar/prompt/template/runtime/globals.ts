import { makeDict, Namespace } from './namespace.ts';
import { countArgument } from './numbers.ts';
import { print } from './print.ts';
import { strftime } from './strftime.ts';
import { Builtin, fail, PyRange, RenderError, requireText, type Value } from './values.ts';

/** Longest range of jinja2's sandbox. */
const LARGEST_RANGE = 100_000;

const makeRange = (args: readonly Value[]): Value => {
  if (args.length === 0 || args.length > 3) return fail('range takes one to three arguments');
  const [first = 0, second = 0, third = 1] = args.map((arg) => countArgument(arg, 'an argument of range'));
  if (third === 0) return fail('the step of a range is zero');
  const range = args.length === 1 ? new PyRange(0, first, 1) : new PyRange(first, second, third);
  return range.length > LARGEST_RANGE ? fail('a range is too long') : range;
};

/** The template called `raise_exception`. */
export class RaisedByTemplate extends RenderError {
  /** What it was called with; may hold text of the request. */
  readonly reason: string;

  constructor(reason: string) {
    super('the template raised an exception');
    this.name = 'RaisedByTemplate';
    this.reason = reason;
  }
}

const raise = (args: readonly Value[]): never => {
  if (args.length !== 1) return fail('raise_exception takes one argument');
  throw new RaisedByTemplate(print(args[0]));
};

/** Functions that jinja2 offers and this implementation does not. */
export const unsupportedGlobals: ReadonlySet<string> = new Set(['cycler', 'joiner', 'lipsum', 'self', 'super']);

/** The environment's functions. `wallNow`: milliseconds since the Unix epoch, for `strftime_now`. */
export const createGlobals = (wallNow: () => number): ReadonlyMap<string, Value> =>
  new Map<string, Value>([
    [
      'range',
      new Builtin((args, keywords) => (keywords.size === 0 ? makeRange(args) : fail('range takes no keywords'))),
    ],
    ['dict', new Builtin(makeDict)],
    ['namespace', new Builtin((args, keywords) => new Namespace(args, keywords))],
    ['raise_exception', new Builtin((args, keywords) => raise([...args, ...keywords.values()]))],
    [
      'strftime_now',
      new Builtin((args, keywords) => {
        const [format, ...others] = [...args, ...keywords.values()];
        return others.length > 0 ? fail('strftime_now takes one format') : strftime(wallNow(), requireText(format));
      }),
    ],
  ]);
