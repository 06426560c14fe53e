import { JsonBytes } from './json-bytes.ts';

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const COLON = 0x3a;

/** A `tokenizer.json` (format: Hugging Face tokenizers, `Tokenizer.save`) whose two long parts are not made objects of. */
export interface TokenizerJson {
  /** The file parsed, with `null` in place of a `vocab` that is an object and of a list of `merges` in `model`. */
  readonly rest: unknown;
  /** `model.vocab` as written, where it is an object. */
  readonly vocab: Buffer | null;
  /** `model.merges` as written, where it is a list. */
  readonly merges: Buffer | null;
  /** Parses the whole file, ten times its size in memory. */
  parseWhole(): unknown;
}

/** Where a value lies. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** Spans of `model.vocab` and `model.merges`; of several the last counts, as for JSON.parse. */
const findLongParts = (bytes: Buffer): { readonly vocab: Span | null; readonly merges: Span | null } => {
  const json = new JsonBytes(bytes);
  const found: { vocab: Span | null; merges: Span | null } = { vocab: null, merges: null };
  if (json.peek() !== OPEN_BRACE) return found;
  const members = (visit: (name: string) => void): void =>
    json.items(OPEN_BRACE, CLOSE_BRACE, () => {
      json.string();
      const name = Buffer.from(json.text.subarray(json.textStart, json.textEnd)).toString();
      json.expect(COLON);
      visit(name);
    });
  const spanOf = (open: number): Span | null => {
    const isLong = json.peek() === open;
    const start = json.position;
    json.skip();
    return isLong ? { start, end: json.position } : null;
  };
  members((part) => {
    if (part !== 'model' || json.peek() !== OPEN_BRACE) return json.skip();
    members((name) => {
      if (name === 'vocab') found.vocab = spanOf(OPEN_BRACE);
      else if (name === 'merges') found.merges = spanOf(OPEN_BRACKET);
      else json.skip();
    });
  });
  return found;
};

/** Reads a `tokenizer.json`; O(bytes). Throws what JSON.parse or {@link JsonBytes} throws where it is not JSON. */
export const readTokenizerJson = (bytes: Buffer): TokenizerJson => {
  const { vocab, merges } = findLongParts(bytes);
  const cuts = [vocab, merges].filter((span) => span !== null).sort((a, b) => a.start - b.start);
  let text = '';
  let from = 0;
  for (const { start, end } of cuts) {
    text += `${bytes.toString('utf8', from, start)}null`;
    from = end;
  }
  text += bytes.toString('utf8', from);
  const cutOut = (span: Span | null): Buffer | null => (span === null ? null : bytes.subarray(span.start, span.end));
  return {
    rest: JSON.parse(text),
    vocab: cutOut(vocab),
    merges: cutOut(merges),
    parseWhole: () => JSON.parse(bytes.toString('utf8')),
  };
};
