import type { ServerResponse } from 'node:http';
import type { GenerationSink } from '../engine-request.ts';
import { createDetokenizer, type Vocabulary } from '../vocabulary.ts';
import type { AnswerFormat, AnswerHead, ChoicePart, FinishReason } from './answer-format.ts';
import { sendJson } from './exchange.ts';

/** How one request's answer is to be sent. */
export interface GenerationAnswerOptions {
  readonly response: ServerResponse;
  readonly format: AnswerFormat;
  readonly head: AnswerHead;
  readonly vocabulary: Vocabulary;
  readonly isStreaming: boolean;
  readonly returnsTokenIds: boolean;
  /** Whether a stream ends with a usage chunk. */
  readonly includesUsage: boolean;
  /** The `usage` object, asked for once all choices have ended. */
  readonly usage: () => unknown;
}

interface Choice {
  readonly index: number;
  readonly promptTokenIds: readonly number[] | null;
  readonly detokenize: (tokenId: number) => string;
  readonly tokenIds: number[];
  text: string;
  finishReason: FinishReason;
}

/**
 * Collects the sequences of one request and answers it: chunk by chunk as server-sent events, or whole when the last
 * sequence has ended.
 */
export class GenerationAnswer {
  readonly #options: GenerationAnswerOptions;
  readonly #choices: Choice[] = [];
  #unfinished = 0;

  constructor(options: GenerationAnswerOptions) {
    this.#options = options;
  }

  /** Tokens generated so far, all choices together. */
  get completionTokens(): number {
    return this.#choices.reduce((count, { tokenIds }) => count + tokenIds.length, 0);
  }

  /** Adds a choice and returns the sink of its sequence. All choices must be added before the first token. */
  addChoice(promptTokenIds: Int32Array): GenerationSink {
    const choice: Choice = {
      index: this.#choices.length,
      promptTokenIds: this.#options.returnsTokenIds ? [...promptTokenIds] : null,
      detokenize: createDetokenizer(this.#options.vocabulary),
      tokenIds: [],
      text: '',
      finishReason: null,
    };
    this.#choices.push(choice);
    this.#unfinished++;
    return {
      token: (tokenId, isLast) =>
        this.#advance(choice, { tokenIds: [tokenId], finishReason: isLast ? 'length' : null }),
      aborted: () => this.#advance(choice, { tokenIds: [], finishReason: 'abort' }),
    };
  }

  #advance(choice: Choice, step: { readonly tokenIds: readonly number[]; readonly finishReason: FinishReason }): void {
    const text = step.tokenIds.map(choice.detokenize).join('');
    choice.tokenIds.push(...step.tokenIds);
    choice.text += text;
    choice.finishReason = step.finishReason;
    if (this.#options.isStreaming) this.#sendChunk(choice, { ...step, text });
    if (step.finishReason === null) return;
    this.#unfinished--;
    if (this.#unfinished === 0) this.#finish();
  }

  #sendChunk(
    choice: Choice,
    step: { readonly tokenIds: readonly number[]; readonly text: string; readonly finishReason: FinishReason },
  ): void {
    const { format, head, response, returnsTokenIds } = this.#options;
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
      for (const each of this.#choices) this.#sendEvent(format.opening(head, this.#part(each)));
    }
    const isFirst = choice.tokenIds.length === step.tokenIds.length;
    this.#sendEvent(
      format.chunk(head, {
        index: choice.index,
        text: step.text,
        tokenIds: returnsTokenIds ? step.tokenIds : null,
        promptTokenIds: isFirst ? choice.promptTokenIds : null,
        finishReason: step.finishReason,
      }),
    );
  }

  #sendEvent(value: unknown): void {
    if (value !== null) this.#options.response.write(`data: ${JSON.stringify(value)}\n\n`);
  }

  #finish(): void {
    const { format, head, response, isStreaming, includesUsage, usage } = this.#options;
    if (!isStreaming) {
      const parts = this.#choices.map((choice) => this.#part(choice));
      sendJson(response, format.answer(head, parts, usage()));
      return;
    }
    if (includesUsage) this.#sendEvent(format.usageChunk(head, usage()));
    response.end('data: [DONE]\n\n');
  }

  #part({ index, text, tokenIds, promptTokenIds, finishReason }: Choice): ChoicePart {
    const { returnsTokenIds } = this.#options;
    return { index, text, tokenIds: returnsTokenIds ? tokenIds : null, promptTokenIds, finishReason };
  }
}
