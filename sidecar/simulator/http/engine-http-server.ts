import { createServer, type Server } from 'node:http';
import { SidecarError } from '../../core/index.ts';
import type { EngineProcess } from '../engine-process.ts';
import { lastingPort, lastingPortAttempts } from '../lasting-port.ts';
import { createAdminHandlers } from './admin-api.ts';
import { chatFormat, completionFormat } from './answer-format.ts';
import { type Exchange, type Handler, sendFailure, sendJson } from './exchange.ts';
import { createGenerationHandler } from './generation-api.ts';

/** Idle connections are closed after this time, as vLLM does. */
const keepAliveMs = 5000;

/** How often a closing server looks for connections whose answer is done. */
const idleCheckMs = 5;

/** The engine's OpenAI-compatible server, for one life of the engine. */
export class EngineHttpServer {
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #server: Server;
  #bound: { readonly host: string; readonly port: number } | null = null;

  constructor(process: EngineProcess) {
    this.#handlers = new Map<string, Handler>(
      Object.entries({
        ...createAdminHandlers(process),
        'POST /v1/chat/completions': createGenerationHandler(process, chatFormat),
        'POST /v1/completions': createGenerationHandler(process, completionFormat),
      }),
    );
    this.#server = createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => {
      const url = new URL(request.url ?? '/', 'http://engine');
      void this.#handle({ request, response, url });
    });
  }

  /** Listens and returns the port; 0 takes one that will be free again after a restart. Throws `listen-failed`. */
  async listen(host: string, port: number): Promise<number> {
    if (port !== 0) return this.#listenOn(host, port);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#listenOn(host, lastingPort());
      } catch (failure) {
        if (attempt === lastingPortAttempts) throw failure;
      }
    }
  }

  #listenOn(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const onError = (cause: Error) => {
        reject(
          new SidecarError('listen-failed', `cannot listen on ${host}:${port}`, { details: { host, port }, cause }),
        );
      };
      this.#server.once('error', onError);
      this.#server.listen(port, host, () => {
        this.#server.off('error', onError);
        const address = this.#server.address();
        const bound = { host, port: typeof address === 'object' && address !== null ? address.port : port };
        this.#bound = bound;
        resolve(bound.port);
      });
    });
  }

  /** Refuses new connections, or takes them again; those with a request under way go on. */
  async setRefusing(isRefusing: boolean): Promise<void> {
    if (this.#bound === null || isRefusing === !this.#server.listening) return;
    if (!isRefusing) {
      await this.listen(this.#bound.host, this.#bound.port);
      return;
    }
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  /** Answers what is under way, then closes. Call only where something ends those requests. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const timer = setInterval(() => this.#server.closeIdleConnections(), idleCheckMs);
    await closed;
    clearInterval(timer);
  }

  /** Cuts every connection, in mid-answer too. */
  async destroy(): Promise<void> {
    const closed = this.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(exchange: Exchange): Promise<void> {
    const { request, response, url } = exchange;
    const handler = this.#handlers.get(`${request.method} ${url.pathname}`);
    if (handler === undefined) {
      sendJson(response, { detail: 'Not Found' }, 404);
      return;
    }
    try {
      await handler(exchange);
    } catch (failure) {
      sendFailure(response, failure);
    }
  }
}
