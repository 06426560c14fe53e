import { describe, expect, it } from '@jest/globals';
import { AddedTokenSplitter, parseAddedTokens } from '../../../../sidecar/prompt/tokenizer/added-tokens.ts';
import { Vocabulary } from '../../../../sidecar/prompt/tokenizer/vocabulary.ts';

const token = (content: string, flags: Readonly<Record<string, boolean>> = {}) => ({ content, ...flags });

const splitterOf = (...tokens: readonly object[]): AddedTokenSplitter =>
  new AddedTokenSplitter(parseAddedTokens(tokens, new Vocabulary(0, 0)), { normalizesToNfc: true });

/** Text between tokens as it is, tokens in brackets. */
const pieces = (splitter: AddedTokenSplitter, text: string): readonly string[] => {
  const bytes = Buffer.from(text);
  const found: string[] = [];
  splitter.split(bytes, (start, end, id) => {
    const piece = bytes.toString('utf8', start, end);
    found.push(id < 0 ? piece : `[${piece}]`);
  });
  return found;
};

describe('splitting at added tokens', () => {
  it('finds tokens wherever they stand', () => {
    const splitter = splitterOf(token('<a>'), token('<bb>'));

    expect(pieces(splitter, '<a>x<bb><a>y<')).toEqual(['[<a>]', 'x', '[<bb>]', '[<a>]', 'y<']);
  });

  it('takes the longest of tokens that begin alike', () => {
    expect(pieces(splitterOf(token('<a'), token('<a>b'), token('<a>')), '<a>b<a><ab')).toEqual([
      '[<a>b]',
      '[<a>]',
      '[<a]',
      'b',
    ]);
  });

  it('finds tokens with different first bytes', () => {
    expect(pieces(splitterOf(token('[x]'), token('<a>'), token('é')), 'a[x]é<a>')).toEqual([
      'a',
      '[[x]]',
      '[é]',
      '[<a>]',
    ]);
  });

  it('takes single words only between what are no word characters', () => {
    const splitter = splitterOf(token('cat', { single_word: true }));

    expect(pieces(splitter, 'cat concat cats cat-cat écat')).toEqual([
      '[cat]',
      ' concat cats ',
      '[cat]',
      '-',
      '[cat]',
      ' écat',
    ]);
  });

  it('gives white space beside a token to it, if the token wants it', () => {
    const splitter = splitterOf(token('<l>', { lstrip: true }), token('<r>', { rstrip: true }));

    expect(pieces(splitter, 'a \u3000<l> b <r>\n c<r> <l>')).toEqual([
      'a',
      '[ \u3000<l>]',
      ' b ',
      '[<r>\n ]',
      'c',
      '[<r> ]',
      '[<l>]',
    ]);
  });

  it('looks for the normal form of normalized tokens', () => {
    expect(pieces(splitterOf(token('cafe\u0301', { normalized: true })), 'a café')).toEqual(['a ', '[café]']);
  });

  it.each([
    ['flags', [token('<a>', { lstrip: true })], false],
    ['a token within another', [token('<a>'), token('x<a>y')], false],
    ['neither', [token('<a>'), token('<b>')], true],
  ])('knows whether tokens keep to themselves: %s', (_, tokens, isSelfContained) => {
    expect(splitterOf(...tokens).isSelfContained()).toBe(isSelfContained);
  });
});

describe('ids of added tokens', () => {
  it('are the vocabulary’s where it has the token, else the next free ones', () => {
    const vocabulary = new Vocabulary(2, 6);
    for (const [id, token] of ['a', 'known'].entries()) vocabulary.set(Buffer.from(token), 0, token.length, id);
    const tokens = parseAddedTokens(
      [
        { id: 99, content: 'new' },
        { id: 1, content: 'known' },
        { id: 7, content: 'newer' },
        { id: 8, content: '' },
      ],
      vocabulary,
    );

    expect(tokens.map(({ content, id }) => [content, id])).toEqual([
      ['new', 2],
      ['known', 1],
      ['newer', 3],
    ]);
  });
});
