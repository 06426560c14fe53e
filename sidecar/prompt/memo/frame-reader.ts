import { readJson } from '../api/json-reader.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../api/json-value.ts';
import { bodyOptions, type RequestTraits, readSource, requestTraits } from '../api/parse-request.ts';
import type { Conversation, PromptSource, TemplateHabits } from '../api/prompt-source.ts';
import { findTools, type ListPlace } from './body-members.ts';
import { type BodyScanner, HASH_WORDS } from './body-scanner.ts';
import { type RememberedMessage, remembered, type TurnApi } from './conversation-record.ts';
import { HashCache } from './hash-cache.ts';

/** All of a request but its list of messages. */
export interface Frame {
  readonly traits: RequestTraits;
  readonly source: Omit<PromptSource, 'content'>;
  /** What the template sees in front of the messages. */
  readonly head: readonly RememberedMessage[];
  conversationFor(habits: TemplateHabits): Omit<Conversation, 'messages'>;
}

/** Lists of tools from this length on are remembered by themselves, in bytes. */
const LONG_TOOLS = 1024;
const frameLimits = { maxEntries: 1024, maxBytes: 1 << 25 };
const toolsLimits = { maxEntries: 256, maxBytes: 1 << 24 };

/** Stands where the messages stood; every API takes it, and none changes anything else for it. */
const placeholder: JsonObject = new Map([
  ['role', 'user'],
  ['content', ''],
]);
const anyHabits: TemplateHabits = { wantsSystemFirst: false, effortOfNoThinking: 'none' };

/** A string that no client can know, to stand where something else stood. */
const createMark = (): string => crypto.randomUUID();

/**
 * Reads what stands around the lists of messages in one API's requests, and remembers it by its bytes; tools also by
 * themselves, since some clients change something else with each turn. Not read are bodies of which the rest is not what a
 * plain request has: no valid JSON, a second list of messages, a prompt in the form of ids, anything that the engine refuses.
 */
export class FrameReader {
  readonly #scanner: BodyScanner;
  readonly #api: TurnApi;
  readonly #frames = new HashCache<Frame>(frameLimits);
  readonly #tools = new HashCache<JsonValue>(toolsLimits);
  readonly #words = new Int32Array(2 * HASH_WORDS);

  constructor(scanner: BodyScanner, api: TurnApi) {
    this.#scanner = scanner;
    this.#api = api;
  }

  /** The frame of the scanner's body of `length` bytes; null where it is not a plain one. */
  read(list: ListPlace, length: number): Frame | null {
    const words = this.#words;
    words.set(this.#scanner.hash(0, list.start));
    words.set(this.#scanner.hash(list.end, length), HASH_WORDS);
    const known = this.#frames.get(words);
    if (known !== null) return known;
    const root = this.#readRoot(list, length);
    const frame = root === null ? null : frameOf(root, this.#api);
    if (frame !== null) this.#frames.set(words, frame, list.start + length - list.end);
    return frame;
  }

  /** The root object without its messages; null where the body is not one to be remembered. */
  #readRoot(list: ListPlace, length: number): Map<string, JsonValue> | null {
    const mark = createMark();
    const toolsMark = createMark();
    const tools = findTools(this.#scanner, list, length);
    const known = tools === null || tools.end - tools.start < LONG_TOOLS ? null : this.#readTools(tools);
    const gaps = [{ ...list, mark }, ...(tools === null || known === null ? [] : [{ ...tools, mark: toolsMark }])];
    gaps.sort((a, b) => a.start - b.start);
    const texts: (string | null)[] = [];
    let from = 0;
    for (const gap of gaps) {
      texts.push(this.#scanner.text(from, gap.start), `"${gap.mark}"`);
      from = gap.end;
    }
    texts.push(this.#scanner.text(from, length));
    if (texts.includes(null)) return null;
    const reading = readJson(texts.join(''), bodyOptions);
    if (reading.kind !== 'whole' || !isJsonObject(reading.value) || reading.tokenLists.size > 0) return null;
    const root = new Map(reading.value);
    if (root.get(this.#api.listKey) !== mark) return null;
    root.delete(this.#api.listKey);
    if (known !== null && root.get('tools') === toolsMark) root.set('tools', known);
    return root;
  }

  #readTools({ start, end }: ListPlace): JsonValue | null {
    const words = this.#scanner.hash(start, end);
    const known = this.#tools.get(words);
    if (known !== null) return known;
    const text = this.#scanner.text(start, end);
    const reading = text === null ? null : readJson(text);
    if (reading?.kind !== 'whole') return null;
    this.#tools.set(words, reading.value, end - start);
    return reading.value;
  }
}

const frameOf = (root: JsonObject, { api, listKey }: TurnApi): Frame | null => {
  const body = { root: new Map([...root, [listKey, [placeholder]]]), tokenLists: new Map(), openPath: null };
  const source = readSource(body, api);
  if ('refused' in source || source.value.content.kind !== 'conversation') return null;
  const { content, ...options } = source.value;
  const { conversationFor } = content;
  const head = conversationFor(anyHabits).messages.slice(0, -1).map(remembered);
  return { traits: requestTraits(body, { path: null, api }), source: options, head, conversationFor };
};
