import type { ServerResponse } from 'node:http';
import { type DecisionId, type ErrorCode, errorTable } from '../core/index.ts';
import { decisionHeader } from './owned-headers.ts';

/** What an error answer says beyond its code. */
export interface ErrorAnswer {
  readonly code: ErrorCode;
  /** Sentence for the caller; by default the code's meaning. */
  readonly message?: string;
  readonly decision?: DecisionId;
  readonly retryAfterSeconds?: number;
  /** Whether the connection ends with the answer, where the rest of the request cannot be read. */
  readonly closesConnection?: boolean;
}

const openAiType = (httpStatus: number): string => {
  if (httpStatus === 429) return 'rate_limit_error';
  return httpStatus >= 500 ? 'server_error' : 'invalid_request_error';
};

/** An error in the shape of OpenAI's API, which its client libraries show to people: `{"error":{message,type,param,code}}`. */
export const openAiError = (code: ErrorCode, message: string = errorTable[code].meaning): string =>
  JSON.stringify({ error: { message, type: openAiType(errorTable[code].httpStatus), param: null, code } });

/**
 * Answers with the status of the error table and an OpenAI-shaped body. Does nothing once an answer has begun or the
 * client is gone.
 */
export const sendError = (response: ServerResponse, answer: ErrorAnswer): void => {
  if (response.headersSent || response.destroyed) return;
  const { httpStatus, dropReason } = errorTable[answer.code];
  const body = Buffer.from(openAiError(answer.code, answer.message));
  response.statusCode = httpStatus;
  response.setHeader('content-type', 'application/json');
  response.setHeader('content-length', body.length);
  if (answer.decision !== undefined) response.setHeader(decisionHeader, answer.decision);
  if (answer.retryAfterSeconds !== undefined) response.setHeader('retry-after', answer.retryAfterSeconds);
  if (dropReason !== null) response.setHeader('x-llm-d-request-dropped-reason', dropReason);
  if (answer.closesConnection === true) response.setHeader('connection', 'close');
  response.end(body);
};

/** Where a bug struck, for the log; without the message, which may quote what a client sent. */
export const stackFrames = (failure: unknown): readonly string[] =>
  failure instanceof Error ? [failure.name, ...(failure.stack ?? '').split('\n').filter(isFrame).slice(0, 5)] : [];

const isFrame = (line: string): boolean => line.startsWith('    at ');
