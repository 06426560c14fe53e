import { TemplateSyntaxError, UnsupportedFeatureError } from './errors.ts';

const singleEscapes: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const digitsOfHexEscape: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Non-ASCII characters as Python's `backslashreplace` writes them; jinja2 decodes its literals from this form. */
const toAscii = (text: string): string =>
  text.replace(/[^\0-\x7f]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
    if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
    return `\\U${code.toString(16).padStart(8, '0')}`;
  });

const decodeHex = (digits: string, length: number, line: number): string => {
  if (digits.length !== length || !/^[\da-f]+$/i.test(digits)) {
    throw new TemplateSyntaxError('a string literal has a cut-off escape', line);
  }
  const code = Number.parseInt(digits, 16);
  if (code > 0x10ffff) throw new TemplateSyntaxError('a string literal has an escape beyond Unicode', line);
  if (code >= 0xd800 && code <= 0xdfff) throw new UnsupportedFeatureError('a surrogate escape in a string literal');
  return String.fromCodePoint(code);
};

/** The value of a string literal's inside, with Python's `unicode-escape` rules. */
export const decodeStringLiteral = (inside: string, line: number): string => {
  if (!inside.includes('\\')) return inside;
  const ascii = toAscii(inside);
  let decoded = '';
  let position = 0;
  for (;;) {
    const backslash = ascii.indexOf('\\', position);
    if (backslash === -1) return decoded + ascii.slice(position);
    decoded += ascii.slice(position, backslash);
    const kind = ascii.charAt(backslash + 1);
    const single = singleEscapes[kind];
    const hexDigits = digitsOfHexEscape[kind];
    const octal = /^[0-7]{1,3}/.exec(ascii.slice(backslash + 1, backslash + 4))?.[0];
    position = backslash + 2;
    if (single !== undefined) decoded += single;
    else if (hexDigits !== undefined) {
      decoded += decodeHex(ascii.slice(position, position + hexDigits), hexDigits, line);
      position += hexDigits;
    } else if (octal !== undefined) {
      decoded += String.fromCharCode(Number.parseInt(octal, 8));
      position = backslash + 1 + octal.length;
    } else if (kind === 'N') throw new UnsupportedFeatureError('a character name in a string literal');
    else decoded += `\\${kind}`;
  }
};
