import { describe, expect, it } from '@jest/globals';
import { translatePattern } from '../../../../sidecar/prompt/tokenizer/pretokenizers/oniguruma-pattern.ts';

const matches = (pattern: string, text: string): readonly string[] => text.match(translatePattern(pattern)) ?? [];

describe('translating Oniguruma patterns', () => {
  it.each([
    ['properties of a fixed Unicode version', '\\p{L}+|\\p{N}', 'aé中1Ⅷ!\u{11de0}', ['aé中', '1', 'Ⅷ']],
    ['negated properties', '\\P{L}+|\\p{^N}', 'a12b', ['a', '12', 'b']],
    ['scripts', '\\p{Han}+', '中文かな', ['中文']],
    ['white space without U+FEFF, with U+0085', '\\s+', 'a\ufeff\u0085\u3000b', ['\u0085\u3000']],
    ['negated classes of classes', '[^\\s\\p{L}\\p{N}]+', 'a!? 1#', ['!?', '#']],
    ['ranges and escapes in classes', '[a-c\\-\\]\\x41\\u00e9]+', 'xab-]Aéd', ['ab-]Aé']],
    ['ignored case with U+017F', "(?i:'s|'ll)", "'S'ſ'lL's", ["'S", "'ſ", "'lL", "'s"]],
    ['ignored case with U+212A', '(?i:k)', 'kKK', ['k', 'K', 'K']],
    ['possessive quantifiers', '\\p{L}++\\p{L}|\\p{N}?+1', 'ab 11 1', ['11']],
    ['atomic groups', '(?>a|ab)c', 'abc ac', ['ac']],
    ['intervals', '\\d{1,3}|x{2}|y{,2}z', '12345xxxyyz', ['123', '45', 'xx', 'yyz']],
    ['a plus after an interval, which is no possession', 'x{2}+', 'xxxxx', ['xxxx']],
    ['lazy quantifiers', 'a+?', 'aa', ['a', 'a']],
    ['looking ahead and behind', '\\s+(?!\\S)|(?<=a)b|(?<!a)c(?=d)', 'ab acd cd  ', ['b', 'c', '  ']],
    ['a dot without newline', 'a.', 'ab a\n a😀', ['ab', 'a😀']],
    ['ends of lines', 'a$|^b', 'a\nb a', ['a', 'b', 'a']],
    ['ends of text', '\\Aa|a\\z', 'a a\na', ['a', 'a']],
  ])('keeps %s', (_, pattern, text, expected) => {
    expect(matches(pattern, text)).toEqual(expected);
  });

  it.each([
    ['a class within a class', '[a[b]]'],
    ['an intersection', '[a&&b]'],
    ['back references', '(a)\\1'],
    ['word boundaries', '\\bword'],
    ['unknown properties', '\\p{Emoji}'],
    ['ignored case beyond ASCII', '(?i:é)'],
    ['ignored case of ligatures', '(?i:stop)'],
    ['unknown groups', '(?<name>a)'],
    ['an open group', '(a'],
    ['an unmatched parenthesis', 'a)'],
    ['an open class', '[ab'],
    ['a brace that is no interval', 'a{x}'],
    ['a lazy interval of one number', 'a{2}?'],
  ])('refuses %s', (_, pattern) => {
    expect(() => translatePattern(pattern)).toThrow('[tokenizer-unavailable]');
  });
});
