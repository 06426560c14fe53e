import type { Random } from '../../sidecar/core/index.ts';

/** Texts in which tokenizers have been seen to differ, or could. */
export const edgeTexts: readonly string[] = [
  ...["'s", "'S", "'ſ", "'LL", "'Re", "'ve", "'", "' s", " '", "'d've", "I'll", "O'Neill", "'ß", "'ﬆ", "'K"],
  ...[
    '\n',
    '\r\n',
    '\n\n  ',
    '  ',
    '   \n',
    '\t',
    '\u00a0',
    '\u3000',
    '\u2028',
    '\u0085',
    '\ufeff',
    '\u200b',
    '\u180e',
  ],
  ...['\u000b', '\u000c', '\u001c', '\u001f', ' \u3000 ', '\n \t\n', '\r', '\r\r\n', '!\n/!', '//\n/', ' /\r\n/'],
  ...[
    'a\u0301',
    'e\u0301x',
    '\u1100\u1161',
    '\u1100\u1161\u11a8',
    '각',
    '\u0344',
    '\u212b',
    '\u2126',
    '\u0958',
    '\u09c7\u09be',
  ],
  ...[
    'q\u0323\u0307',
    'q\u0307\u0323',
    'a\u0300\u05ae\u05c4\u0315b',
    '\u0e40\u0e01\u0e49',
    'नमस्ते',
    'क्\u200dष',
    '\u0f71\u0f74',
  ],
  ...[
    '\u{105d2}\u0307',
    '\u1dfa\u0301',
    'q\u0898\u0323',
    'q\u0323\u1df6\u0301',
    '\u{11938}',
    '\u{16d63}\u{16d67}',
    '\u09fe\u0301',
  ],
  ...['\ud55c\uad6d\uc5b4', '中文', '你好，世界。', 'カタカナ・ひらがな', '゛゜', 'ヿ゠', '龦', '龥龦', '々〆', 'ไทย'],
  ...[
    '😀',
    '👩\u200d👩\u200d👧',
    '🇩🇪',
    '\u{1d400}',
    '\u{20000}',
    '\u{10ffff}',
    '\u0378',
    '\u{1e030}',
    '\u{11de0}',
    '\u{16ff4}',
  ],
  ...['1', '12', '1234', '12345678', '٣٤', 'Ⅷ', '²', '½¾', '1,234.56', 'v1.2.3', '一二三'],
  ...[
    '\0',
    'a\0b',
    '\x01\x01a',
    '\x7f',
    '_',
    '__init__',
    '!!!\n\n',
    '...',
    '?!',
    '#',
    '//',
    '<',
    '<|',
    '<|im_end|',
    '|>',
  ],
  ...[
    '\ufb01',
    'Å',
    'K',
    'ǅ',
    'ǅABC',
    'ABCdef',
    'aBC',
    'ABC',
    'ʰABC',
    '中ABC',
    '中ABCd',
    '\u0301ABC',
    'ABC\u0301',
    '\u0301',
    "DON'T",
  ],
  ...[
    ' a',
    ' A',
    ' 1',
    ' \u0301',
    ' \u0301a',
    ' !',
    '\t!',
    '\ta',
    '.foo',
    '.fooé',
    '.é',
    '=A',
    '\u00adfoo',
    '\u200dfoo',
    '\u00a0foo',
  ],
  ...[
    'x'.repeat(17),
    'y'.repeat(70),
    'ab'.repeat(300),
    ' '.repeat(40),
    '='.repeat(90),
    '中'.repeat(30),
    'ñ'.repeat(33),
    '\n'.repeat(130),
  ],
];

const UNICODE_SHARES: readonly [share: number, below: number][] = [
  [0.3, 0x80],
  [0.5, 0x800],
  [0.8, 0x10000],
  [1, 0x30000],
];

const anyCharacter = (random: Random): string => {
  const kind = random();
  const [, below] = UNICODE_SHARES.find(([share]) => kind < share) ?? [1, 0x30000];
  const codePoint = Math.floor(random() * below);
  return codePoint >= 0xd800 && codePoint < 0xe000 ? 'A' : String.fromCodePoint(codePoint);
};

const oneOf = (items: readonly string[], random: Random): string => items[Math.floor(random() * items.length)] ?? '';

/**
 * A text to compare tokenizers on: pieces of vocabulary, edge cases, any characters, in three mixtures. `pieces` are
 * plain strings, decoded vocabulary entries and added tokens for one.
 */
export const fuzzText = (random: Random, pieces: readonly string[]): string => {
  const mixture = random();
  const parts = 1 + Math.floor(random() * (mixture < 0.4 ? 14 : mixture < 0.8 ? 20 : 30));
  let text = '';
  for (let part = 0; part < parts; part += 1) {
    if (mixture < 0.4) text += oneOf(pieces, random);
    else if (mixture >= 0.8) text += anyCharacter(random);
    else if (random() < 0.5) text += oneOf(edgeTexts, random);
    else text += random() < 0.6 ? oneOf(pieces, random) : anyCharacter(random);
  }
  return text;
};
