import type { Clock, Logger } from '../../core/index.ts';
import type { PromptIdentity } from '../../kvindex/index.ts';
import type { JsonObject } from '../api/json-value.ts';
import { parseRequest } from '../api/parse-request.ts';
import type { Conversation, PlainPrompt, PromptSource } from '../api/prompt-source.ts';
import type { RememberedMessage } from '../memo/conversation-record.ts';
import { atOnce, inSlices, type Steps } from '../memo/in-slices.ts';
import { Shadow } from '../memo/shadow.ts';
import type { TurnEncoder } from '../memo/turn-encoder.ts';
import type { TurnSequenceParts } from '../memo/turn-sequence.ts';
import type { TemplateInput } from '../template/port.ts';
import { joinIds } from '../tokenizer/join-ids.ts';
import type { EncodeOptions, Tokenizer } from '../tokenizer/port.ts';
import type { EncodedPrompt, EncodingPath, ParsedRequest, PromptEncoder, PromptSequence } from '../types.ts';
import { renderContinued } from './continue-final.ts';
import { knownText } from './known-text.ts';
import type { ModelTemplate, ModelTemplates } from './model-template.ts';
import { stableTokens, withLeadingTokens } from './stable-tokens.ts';
import { commonVariables, type ServerDefaults, showsTools, templateInput } from './template-input.ts';
import { encodeTruncated } from './truncate-tokens.ts';
import { hasMedia } from './variants.ts';

/** What a {@link createLocalEncoder} is made of. */
export interface LocalEncoderParts {
  readonly tokenizer: Tokenizer;
  /** Null where the model has no chat template; its conversations cannot be encoded. */
  readonly templates: ModelTemplates | null;
  /** The tokenizer's special tokens by name (`bos_token` …), which templates see as variables. */
  readonly specialTokens: JsonObject;
  readonly defaults: ServerDefaults;
  readonly path: EncodingPath;
  readonly pathReason: string | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Encodes remembered conversations turn by turn; default nothing does, as where that would not be exact. */
  readonly turns?: TurnEncoder | null;
  /** Turns of which one is made again from scratch and compared; default 1,000. */
  readonly shadowEvery?: number;
}

/** Prompts of bodies up to this size are encoded in one go where nothing is remembered of them. */
const shortBodyBytes = 16 * 1024;
/** Cut bodies longer than this are rendered once, and nothing of them is said to be certain. */
const maxTriedBytes = 2 ** 20;

/** What is left of a text whose end is tried, in UTF-16 units, where it can be cut. */
const triedLength = 2048;

type Tokens = Pick<PromptSequence, 'tokenIds' | 'isWhole' | 'certainTokens'>;

const unknown = (why: string): EncodedPrompt => ({ kind: 'unknown', why });
const whole = (tokenIds: Int32Array): Tokens => ({ tokenIds, isWhole: true });

class LocalEncoder implements PromptEncoder {
  readonly path: EncodingPath;
  readonly #parts: LocalEncoderParts;
  readonly #common: JsonObject;
  readonly #shadow: Shadow;
  /** Whether the post-processor adds tokens where that is asked for. */
  readonly #hasSpecialTokens: boolean;
  #isMemoTrusted = true;

  constructor(parts: LocalEncoderParts) {
    this.path = parts.path;
    this.#parts = parts;
    this.#common = commonVariables(parts.specialTokens, parts.defaults);
    this.#hasSpecialTokens = parts.tokenizer.encode('', { addSpecialTokens: true }).length > 0;
    this.#shadow = new Shadow({
      onDifference: () => this.#distrustMemo(),
      ...(parts.shadowEvery === undefined ? {} : { every: parts.shadowEvery }),
    });
  }

  get pathReason(): string | null {
    return this.#isMemoTrusted ? this.#parts.pathReason : 'turns are encoded whole: a remembered prompt was wrong';
  }

  encode(
    request: ParsedRequest,
    options: { readonly loraName: string | null; readonly mayWait?: boolean },
  ): EncodedPrompt | Promise<EncodedPrompt> {
    const source = request.prompt?.source;
    if (source === undefined) return unknown(request.unreadable ?? 'no-prompt');
    const identity = { loraName: options.loraName, salt: source.salt, multimodal: source.multimodal };
    const conversation = this.#encodeConversation(request, { identity, mayWait: options.mayWait ?? false });
    if (conversation !== null) return conversation;
    const { bodyBytes } = request;
    const steps = this.#encode(source, identity, bodyBytes);
    return options.mayWait === true && bodyBytes > shortBodyBytes ? inSlices(steps, this.#parts.clock) : atOnce(steps);
  }

  *#encode(source: PromptSource, identity: PromptIdentity, bodyBytes: number): Steps<EncodedPrompt> {
    const tokens = yield* this.#tokens(source, bodyBytes);
    if (typeof tokens === 'string') return unknown(tokens);
    return { kind: 'encoded', path: this.path, sequences: tokens.map((sequence) => ({ ...sequence, identity })) };
  }

  /** The prompt of a plain conversation, turn by turn where it is remembered; null where that cannot be. */
  #encodeConversation(
    request: ParsedRequest,
    options: { readonly identity: PromptIdentity; readonly mayWait: boolean },
  ): EncodedPrompt | Promise<EncodedPrompt> | null {
    const { templates, turns = null } = this.#parts;
    const { source, turn = null } = request.prompt ?? {};
    if (source === undefined || templates === null || turns === null || !this.#isMemoTrusted) return null;
    if (turn === null && (!options.mayWait || request.bodyBytes <= shortBodyBytes)) return null;
    if (source.content.kind !== 'conversation' || source.truncation !== null) return null;
    if (source.addsSpecialTokens && this.#hasSpecialTokens) return null;
    const conversation = source.content.conversationFor(templates.plain.habits);
    if (conversation.cut !== null || conversation.continuesFinalMessage) return null;
    if (turn === null ? hasMedia(conversation) : turn.messages.some((known) => known.hasMedia)) return null;
    const model = showsTools(conversation, this.#parts.defaults) ? templates.withTools : templates.plain;
    const input = this.#input(conversation, model, turn?.messages);
    const pieces = this.#attempt(() => model.template.render(input));
    if (pieces === null) return unknown('template-failed');
    const { identity, mayWait } = options;
    const check = turn !== null && this.#shadow.isDue() ? this.#checkOf(request, identity) : null;
    if (mayWait && turns.isLong(pieces, turn)) {
      return turns.encodeLater(pieces, { turn, identity, check }).then((sequence) => this.#encoded(sequence));
    }
    return this.#encoded(turns.encode(pieces, { turn, identity, check }));
  }

  /** Null stands for a text that the engine cannot tokenize. */
  #encoded(sequence: PromptSequence | null): EncodedPrompt {
    if (sequence === null) return unknown('template-failed');
    if (sequence.tokenCount === 0) return unknown('no-prompt');
    return { kind: 'encoded', path: this.path, sequences: [sequence] };
  }

  /** Makes a prompt again from its body's bytes, when keys are made of it. */
  #checkOf({ prompt }: ParsedRequest, identity: PromptIdentity): TurnSequenceParts['check'] {
    // That may be after the decision, when the body's memory is another's.
    const body = new Uint8Array(prompt?.body ?? []);
    const path = prompt?.path ?? null;
    return (sequence, keys, seed) => {
      const again = parseRequest({ path, body, isComplete: true });
      const source = again.prompt?.source;
      const fresh =
        source === undefined ? null : atOnce(this.#encode(source, { ...identity, salt: source.salt }, body.length));
      const expected = fresh?.kind === 'encoded' ? (fresh.sequences[0] ?? null) : null;
      prompt?.turn?.checked({ isSame: this.#shadow.compare(sequence, { keys, seed, expected }) });
    };
  }

  #distrustMemo(): void {
    this.#isMemoTrusted = false;
    this.#parts.logger.error('a remembered prompt differs from its request', { code: 'internal' });
  }

  /** Tokens of every sequence, or why there are none. */
  *#tokens(source: PromptSource, bodyBytes: number): Steps<readonly Tokens[] | string> {
    if (source.content.kind === 'plain') {
      const sequences: Tokens[] = [];
      for (const prompt of source.content.prompts) {
        sequences.push(yield* this.#plainTokens(prompt, source));
        yield;
      }
      const isOutside = sequences.some(({ tokenIds }) => this.#hasUnknownId(tokenIds));
      if (isOutside) return 'invalid-prompt';
      return sequences.some(({ isWhole, tokenIds }) => isWhole && tokenIds.length === 0) ? 'no-prompt' : sequences;
    }
    const { templates } = this.#parts;
    if (templates === null) return 'no-template';
    const conversation = source.content.conversationFor(templates.plain.habits);
    const model = showsTools(conversation, this.#parts.defaults) ? templates.withTools : templates.plain;
    const isPartial = conversation.cut !== null || hasMedia(conversation);
    const tokens = isPartial
      ? yield* this.#knownTokens(conversation, model, { source, triesOnce: bodyBytes > maxTriedBytes })
      : yield* this.#wholeTokens(conversation, model, source);
    if (tokens === null) return 'template-failed';
    return tokens.isWhole && tokens.tokenIds.length === 0 ? 'no-prompt' : [tokens];
  }

  *#plainTokens(prompt: PlainPrompt, source: PromptSource): Steps<Tokens> {
    if (prompt.isWhole) return whole(yield* this.#ids(prompt.kind === 'text' ? prompt.text : prompt.tokenIds, source));
    const tokenIds = prompt.kind === 'tokens' ? prompt.tokenIds : yield* this.#stableTokens(prompt.text, source);
    return { tokenIds, isWhole: false };
  }

  *#ids(prompt: string | Int32Array, source: PromptSource): Steps<Int32Array> {
    const { addsSpecialTokens: addSpecialTokens, truncation } = source;
    if (truncation !== null) return encodeTruncated(this.#parts.tokenizer, prompt, { addSpecialTokens, truncation });
    return typeof prompt === 'string' ? yield* this.#encodeText(prompt, { addSpecialTokens }) : prompt;
  }

  *#encodeText(text: string, options: EncodeOptions): Steps<Int32Array> {
    const { tokenizer, turns = null } = this.#parts;
    return turns === null ? tokenizer.encode(text, options) : yield* turns.encodeText(text, options);
  }

  *#stableTokens(text: string, { addsSpecialTokens }: PromptSource): Steps<Int32Array> {
    const encode = (part: string) => this.#encodeText(part, { addSpecialTokens: false });
    // What is tried is the end of the text alone, where it can be cut off.
    const from = this.#parts.turns?.cutBefore(text, text.length - triedLength) ?? 0;
    const tail = from === 0 ? null : yield* stableTokens(text.slice(from), encode);
    const ids =
      tail === null || tail.length === 0
        ? yield* stableTokens(text, encode)
        : joinIds(yield* encode(text.slice(0, from)), tail);
    return addsSpecialTokens ? withLeadingTokens(this.#parts.tokenizer, ids) : ids;
  }

  #hasUnknownId(ids: Int32Array): boolean {
    const { vocabularySize } = this.#parts.tokenizer;
    for (let at = 0; at < ids.length; at++) if ((ids[at] ?? 0) >= vocabularySize) return true;
    return false;
  }

  *#wholeTokens(conversation: Conversation, model: ModelTemplate, source: PromptSource): Steps<Tokens | null> {
    const input = this.#input(conversation, model);
    const { tokenizer } = this.#parts;
    if (conversation.continuesFinalMessage) {
      const text = this.#attempt(() => renderContinued(model.template, input));
      return text === null ? null : whole(yield* this.#ids(text, source));
    }
    const pieces = this.#attempt(() => model.template.render(input));
    // The engine cannot tokenize half a surrogate pair.
    if (pieces === null || !pieces.every((piece) => piece.isWellFormed())) return null;
    if (source.addsSpecialTokens || source.truncation !== null) return whole(yield* this.#ids(pieces.join(''), source));
    return whole(tokenizer.encodePieces(pieces));
  }

  *#knownTokens(
    conversation: Conversation,
    model: ModelTemplate,
    { source, triesOnce }: { readonly source: PromptSource; readonly triesOnce: boolean },
  ): Steps<Tokens | null> {
    // What is kept of the right end depends on all of it.
    if (source.truncation?.keptEnd === 'right') return null;
    const known = knownText(conversation, {
      contentFormat: model.template.contentFormat,
      triesOnce,
      inputOf: (variant) => this.#input(variant, model),
      render: (input) => this.#attempt(() => model.template.render(input)),
    });
    if (known === null) return null;
    const tokenIds = yield* this.#stableTokens(known.likely, source);
    const certain = known.certain === known.likely ? tokenIds : yield* this.#stableTokens(known.certain, source);
    return { tokenIds, isWhole: false, certainTokens: Math.min(certain.length, tokenIds.length) };
  }

  #input(conversation: Conversation, model: ModelTemplate, known?: readonly RememberedMessage[]): TemplateInput {
    return templateInput(conversation, model, { common: this.#common, defaults: this.#parts.defaults, known });
  }

  /** The template refuses what the engine refuses too; anything else it throws is no reason to fail the request either. */
  #attempt<Value>(render: () => Value): Value | null {
    try {
      return render();
    } catch (failure) {
      this.#parts.logger.debug('a chat template could not be rendered', {
        problem: failure instanceof Error ? failure.message : 'unknown',
      });
      return null;
    }
  }
}

/** An encoder that renders and tokenizes in the process. */
export const createLocalEncoder = (parts: LocalEncoderParts): PromptEncoder => new LocalEncoder(parts);
