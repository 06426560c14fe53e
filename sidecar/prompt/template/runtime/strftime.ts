import { fail } from './values.ts';

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** Local days from January 1st, without what daylight saving adds or takes. */
const dayOfYear = (date: Date): number =>
  Math.round(
    (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 1)) / 86_400_000,
  );

const hour12 = (date: Date): number => date.getHours() % 12 || 12;

/** Value and width of each numeric directive. */
const numbers: Readonly<Record<string, (date: Date) => readonly [number, number]>> = {
  d: (date) => [date.getDate(), 2],
  m: (date) => [date.getMonth() + 1, 2],
  y: (date) => [date.getFullYear() % 100, 2],
  Y: (date) => [date.getFullYear(), 1],
  H: (date) => [date.getHours(), 2],
  I: (date) => [hour12(date), 2],
  M: (date) => [date.getMinutes(), 2],
  S: (date) => [date.getSeconds(), 2],
  f: (date) => [date.getMilliseconds() * 1000, 6],
  j: (date) => [dayOfYear(date) + 1, 3],
  U: (date) => [Math.floor((dayOfYear(date) + 7 - date.getDay()) / 7), 2],
  W: (date) => [Math.floor((dayOfYear(date) + 7 - ((date.getDay() + 6) % 7)) / 7), 2],
  w: (date) => [date.getDay(), 1],
  u: (date) => [date.getDay() || 7, 1],
};

const texts: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => (days[date.getDay()] ?? '').slice(0, 3),
  A: (date) => days[date.getDay()] ?? '',
  b: (date) => (months[date.getMonth()] ?? '').slice(0, 3),
  h: (date) => (months[date.getMonth()] ?? '').slice(0, 3),
  B: (date) => months[date.getMonth()] ?? '',
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  e: (date) => String(date.getDate()).padStart(2, ' '),
  n: () => '\n',
  t: () => '\t',
  // A time without zone prints none.
  z: () => '',
  Z: () => '',
  '%': () => '%',
};

const composites: Readonly<Record<string, string>> = {
  F: '%Y-%m-%d',
  D: '%m/%d/%y',
  T: '%H:%M:%S',
  R: '%H:%M',
  c: '%a %b %e %H:%M:%S %Y',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
};

const directive = /%(-?)(.?)/gsu;

/** Whether every directive of a format is one that {@link strftime} knows. */
export const isKnownFormat = (format: string): boolean =>
  [...format.matchAll(directive)].every(([, dash, letter = '']) =>
    dash === '-' ? letter in numbers : letter in numbers || letter in texts || letter in composites,
  );

/** Python's `datetime.now().strftime(format)` in the C locale and the process's time zone, at `nowMs` of the Unix epoch. */
export const strftime = (nowMs: number, format: string): string => {
  const date = new Date(nowMs);
  return format.replace(directive, (_, dash: string, letter: string) => {
    const number = numbers[letter];
    if (number !== undefined) {
      const [value, width] = number(date);
      return dash === '-' ? String(value) : String(value).padStart(width, '0');
    }
    const composite = composites[letter];
    if (composite !== undefined) return strftime(nowMs, composite);
    const text = texts[letter];
    return text !== undefined && dash === '' ? text(date) : fail('a date format that is not supported');
  });
};
