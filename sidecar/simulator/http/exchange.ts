import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from './api-error.ts';

/** One HTTP request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

/** Answers one request. Failures that are ApiErrors become their answer. */
export type Handler = (exchange: Exchange) => Promise<void> | void;

/** The whole body of a request. Rejects when the client goes away before its end. */
export const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
};

/** Sends a JSON answer. */
export const sendJson = (response: ServerResponse, value: unknown, status = 200): void => {
  const bytes = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
};

/** Sends text, empty by default. */
export const sendText = (response: ServerResponse, text = '', contentType = 'text/plain; charset=utf-8'): void => {
  response.writeHead(200, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  response.end(text);
};

/** Answers with a failure; one that comes in mid-stream can only cut the connection. */
export const sendFailure = (response: ServerResponse, failure: unknown): void => {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const error =
    failure instanceof ApiError ? failure : new ApiError(500, 'InternalServerError', 'The embedded engine failed.');
  sendJson(response, error.toBody(), error.status);
};
