import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { EngineCore } from '../engine-core.ts';
import type { EngineProcess } from '../engine-process.ts';
import { type AnswerFormat, formatUsage } from './answer-format.ts';
import { badRequest } from './api-error.ts';
import { type Exchange, type Handler, readBody } from './exchange.ts';
import { GenerationAnswer } from './generation-answer.ts';
import { type GenerationParams, readGenerationParams } from './generation-params.ts';
import { type JsonObject, parseBody } from './request-body.ts';

/** Refuses a chat that vLLM refuses before it renders anything. */
const checkMessages = ({ messages }: JsonObject): void => {
  if (!Array.isArray(messages)) throw badRequest('messages must be a list.', 'messages');
  if (messages.length > 0) return;
  throw badRequest('Cannot apply chat template to an empty conversation. Provide at least one message.');
};

/** Core that computes the request: the rank its header names, else the one with the fewest requests. */
const chooseCore = (cores: readonly EngineCore[], header: string | string[] | undefined): EngineCore => {
  const rank = typeof header === 'string' && /^\d+$/.test(header) ? Number(header) : null;
  const core = rank === null ? leastBusy(cores) : cores[rank];
  if (core === undefined) throw badRequest(`data_parallel_rank ${rank} is out of range [0, ${cores.length}).`);
  return core;
};

const leastBusy = (cores: readonly EngineCore[]): EngineCore | undefined => {
  const requestsOf = (core: EngineCore) => core.runningRequests + core.waitingRequests;
  return cores.reduce((least, core) => (requestsOf(core) < requestsOf(least) ? core : least));
};

/** The body as the engine reads it: releases that take no token ids do not see any. */
const readableBody = ({ options }: EngineProcess, body: JsonObject, bytes: Buffer): Buffer => {
  if (options.generation.takesPromptTokenIds || !('kv_transfer_params' in body)) return bytes;
  const { kv_transfer_params: _, ...rest } = body;
  return Buffer.from(JSON.stringify(rest));
};

const encodePrompts = async (
  process: EngineProcess,
  params: GenerationParams,
  exchange: { readonly url: URL; readonly body: Buffer },
): Promise<readonly Int32Array[]> => {
  if (params.promptTokenIds !== null) return [params.promptTokenIds];
  const encoded = await process.options.tokenizer.encode(
    { path: exchange.url.pathname, body: exchange.body, isComplete: true },
    { loraName: params.lora?.name ?? null },
  );
  if (encoded.kind === 'unknown') throw badRequest(`The prompt cannot be encoded: ${encoded.why}`);
  return encoded.sequences.map(({ tokenIds }) => tokenIds);
};

const checkLengths = (
  prompts: readonly Int32Array[],
  { maxTokens }: GenerationParams,
  maxModelTokens: number,
): void => {
  for (const prompt of prompts) {
    if (prompt.length === 0) throw badRequest('The prompt is empty.', 'prompt');
    if (prompt.length + maxTokens <= maxModelTokens) continue;
    throw badRequest(
      `The model's longest sequence is ${maxModelTokens} tokens; the prompt has ${prompt.length} and asks for ${maxTokens} more.`,
    );
  }
};

const requestIdOf = (headers: IncomingHttpHeaders): string => {
  const id = headers['x-request-id'];
  return typeof id === 'string' ? id : randomUUID().replaceAll('-', '');
};

const generate = async (process: EngineProcess, format: AnswerFormat, exchange: Exchange): Promise<void> => {
  const { request, response, url } = exchange;
  const { options } = process;
  const bodyBytes = await readBody(request);
  const body = parseBody(bodyBytes);
  const params = readGenerationParams(body, request.headers, options);
  if (format.api === 'chat') checkMessages(body);
  const core = chooseCore(process.cores, request.headers['x-data-parallel-rank']);
  const prompts = await encodePrompts(process, params, { url, body: readableBody(process, body, bodyBytes) });
  checkLengths(prompts, params, options.maxModelTokens);
  if (response.destroyed) return;

  const answer = new GenerationAnswer({
    response,
    format,
    head: {
      id: format.idPrefix + requestIdOf(request.headers),
      created: Math.floor(options.clock.wallNow() / 1000),
      model: params.model,
    },
    vocabulary: options.tokenizer.vocabulary,
    isStreaming: params.isStreaming,
    returnsTokenIds: params.returnsTokenIds,
    includesUsage: params.includesUsage,
    usage: () => {
      const lastPrompt = prompts[prompts.length - 1]?.length ?? 0;
      const cachedTokens = submitted[submitted.length - params.choices]?.cachedTokens ?? 0;
      const fullBlockTokens = lastPrompt - (lastPrompt % options.blockSize);
      return formatUsage(
        {
          promptTokens: prompts.reduce((count, prompt) => count + prompt.length, 0),
          completionTokens: answer.completionTokens,
          cachedTokens,
          createdTokens: format.api === 'chat' ? fullBlockTokens - cachedTokens : null,
        },
        options,
      );
    },
  });
  const submitted = prompts.flatMap((promptTokenIds) =>
    Array.from({ length: params.choices }, (_, choice) =>
      core.submit(
        { ...params, promptTokenIds, nextToken: options.tokenSource({ promptTokenIds, choice }) },
        answer.addChoice(promptTokenIds),
      ),
    ),
  );
  response.on('close', () => {
    if (!response.writableFinished) for (const each of submitted) core.abort(each);
  });
};

/** Creates the handler of `/v1/chat/completions` or `/v1/completions`, by its format. */
export const createGenerationHandler =
  (process: EngineProcess, format: AnswerFormat): Handler =>
  (exchange) =>
    generate(process, format, exchange);
