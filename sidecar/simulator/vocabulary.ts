import { SidecarError } from '../core/index.ts';

/** Tokens as bytes: what an engine needs to turn generated tokens into text. */
export interface Vocabulary {
  /** Bytes of a token; empty for special tokens and for ids that do not exist. */
  bytesOf(tokenId: number): Uint8Array;
  /**
   * Tokens that are one lower-case word of three letters or more. A text of one `bare` word (or none) and then `spaced`
   * words (each with the space before it) is tokenized back to exactly these tokens.
   */
  readonly bareWords: readonly number[];
  readonly spacedWords: readonly number[];
}

/** Parts of a `tokenizer.json` (format of the Hugging Face tokenizers library) that name tokens. */
interface TokenizerFile {
  readonly model: { readonly vocab: Readonly<Record<string, number>> };
  readonly added_tokens: readonly { readonly id: number; readonly content: string; readonly special: boolean }[];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const isTokenizerFile = (value: unknown): value is TokenizerFile =>
  isRecord(value) &&
  isRecord(value['model']) &&
  isRecord(value['model']['vocab']) &&
  Array.isArray(value['added_tokens']);

/** GPT-2's table: printable Latin-1 stands for itself, every other byte for a character from U+0100 on. */
const byteOfCharacter = (): ReadonlyMap<string, number> => {
  const isPrintable = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  const table = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    table.set(String.fromCodePoint(isPrintable(byte) ? byte : next++), byte);
  }
  return table;
};

/** Reads the tokens of a byte-level BPE `tokenizer.json`. Throws `tokenizer-unavailable` for any other text. */
export const parseVocabulary = (tokenizerJson: string): Vocabulary => {
  const file: unknown = JSON.parse(tokenizerJson);
  if (!isTokenizerFile(file)) throw new SidecarError('tokenizer-unavailable', 'tokenizer.json holds no BPE vocabulary');
  const bytes = byteOfCharacter();
  const tokens: Uint8Array[] = [];
  const bareWords: number[] = [];
  const spacedWords: number[] = [];
  for (const [text, id] of Object.entries(file.model.vocab)) {
    tokens[id] = Uint8Array.from(text, (character) => bytes.get(character) ?? 0);
    if (/^[a-z]{3,}$/.test(text)) bareWords.push(id);
    if (/^Ġ[a-z]{3,}$/.test(text)) spacedWords.push(id);
  }
  for (const { id, content, special } of file.added_tokens) {
    tokens[id] = special ? new Uint8Array() : new TextEncoder().encode(content);
  }
  const nothing = new Uint8Array();
  return { bytesOf: (tokenId) => tokens[tokenId] ?? nothing, bareWords, spacedWords };
};

/** Turns tokens into text one by one; a character split over tokens comes with its last one. */
export const createDetokenizer = (vocabulary: Vocabulary): ((tokenId: number) => string) => {
  const decoder = new TextDecoder();
  return (tokenId) => decoder.decode(vocabulary.bytesOf(tokenId), { stream: true });
};
