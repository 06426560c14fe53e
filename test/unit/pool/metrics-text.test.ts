import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { labelValue, readSamples, wantNames } from '../../../sidecar/pool/metrics-text.ts';

const read = (text: string, ...names: readonly string[]) => {
  const samples: [name: string, labels: string, value: number][] = [];
  readSamples(text, wantNames(names), (...sample) => samples.push(sample));
  return samples;
};

describe('readSamples', () => {
  it('gives wanted samples in order with labels and value', () => {
    const text = [
      '# HELP running Requests running.',
      '# TYPE running gauge',
      'running{engine="0"} 3.0',
      'waiting 4',
      'running{engine="1"} 5e2',
      '',
    ].join('\n');
    expect(read(text, 'running')).toEqual([
      ['running', 'engine="0"', 3],
      ['running', 'engine="1"', 500],
    ]);
    expect(read(text, 'waiting', 'running')).toHaveLength(3);
  });

  it('tells names of the same length and names that begin alike apart', () => {
    const text = 'ab 1\nac 2\nabc 3\na 4\n';
    expect(read(text, 'ac', 'abc')).toEqual([
      ['ac', '', 2],
      ['abc', '', 3],
    ]);
  });

  it.each([
    ['no newline at the end', 'a 1', 1],
    ['a timestamp', 'a 1 1795341727290', 1],
    ['blanks before the labels and the value', 'a {x="y"}  1', 1],
    ['carriage returns', 'a 1\r\n', 1],
    ['a closing brace in a value', 'a{x="}"} 1', 1],
    ['an escaped quote in a value', 'a{x="\\"}"} 1', 1],
    ['infinity', 'a +Inf', Number.POSITIVE_INFINITY],
    ['minus infinity', 'a -Inf', Number.NEGATIVE_INFINITY],
  ])('reads a line with %s', (_case, text, value) => {
    expect(read(text, 'a').map((sample) => sample[2])).toEqual([value]);
  });

  it.each([
    ['no value', 'a'],
    ['no value behind labels', 'a{x="y"}'],
    ['a value that is not a number', 'a NaN'],
    ['a word for a value', 'a one'],
    ['labels that do not end', 'a{x="y" 1'],
  ])('passes over a line with %s and goes on', (_case, line) => {
    expect(read(`${line}\na 7\n`, 'a')).toEqual([['a', '', 7]]);
  });

  it('never throws, whatever the text', () => {
    const piece = fc.oneof(fc.string(), fc.constantFrom('a', 'a{', 'a{x="', '"} 1', '\\', '\n', '# ', ' 1', '}'));
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        for (const [, labels] of read(pieces.join(''), 'a')) labelValue(labels, 'x');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('labelValue', () => {
  it.each([
    ['first', 'a="1",b="2"', 'a', '1'],
    ['later', 'a="1",b="2"', 'b', '2'],
    ['absent', 'a="1",b="2"', 'c', null],
    ['empty', 'a=""', 'a', ''],
    ['a longer name that begins alike', 'engine_type="x",engine="0"', 'engine', '0'],
    ['after a value that looks like a label', 'a="b=\\"2\\"",b="3"', 'b', '3'],
    ['with escapes', 'a="x\\"y\\\\z\\n"', 'a', 'x"y\\z\n'],
    ['with blanks and a trailing comma', ' a = "1" , b="2",', 'b', '2'],
    ['of nothing', '', 'a', null],
    ['of a cut-off block', 'a="1', 'b', null],
  ])('finds the value of a label that is %s', (_case, labels, label, value) => {
    expect(labelValue(labels, label)).toBe(value);
  });
});
