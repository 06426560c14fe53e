import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express, { type ErrorRequestHandler, type Express, type Request } from 'express';
import { type Clock, type Logger, SidecarError } from '../../core/index.ts';
import type { RouteRequest } from '../../routing/index.ts';
import { headerReader } from '../edge-request.ts';
import { sendError, stackFrames } from '../error-response.ts';
import type { Gateway } from '../gateway.ts';
import { createHttpGateway } from '../http-gateway.ts';
import { removeOwnedHeaders } from '../owned-headers.ts';
import { defaultBodyLimitBytes, readBody } from '../request-body.ts';
import { decisionsQuery, dumpQuery, explainQuery, parseQuery } from './admin-queries.ts';
import type { AdminSource } from './admin-source.ts';

/** How the admin endpoint listens and what it shows. */
export interface AdminGatewayOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly listen: string;
  readonly source: AdminSource;
  readonly clock: Clock;
  readonly logger: Logger;
}

const addProbes = (app: Express, source: AdminSource): void => {
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  app.get('/readyz', (_request, response) => {
    const conditions = source.readiness();
    const isReady = conditions.every(({ isMet }) => isMet);
    response.status(isReady ? 200 : 503).json({ ready: isReady, conditions });
  });
  app.get('/metrics', async (_request, response) => {
    const { contentType, text } = await source.metrics();
    response.type(contentType).send(text);
  });
};

const addState = (app: Express, source: AdminSource): void => {
  app.get('/api/v1/endpoints', (_request, response) => void response.json({ endpoints: source.endpoints() }));
  app.get('/api/v1/pools', (_request, response) => {
    response.json({ pools: source.pools(), findings: source.findings() });
  });
  app.get('/api/v1/index', (_request, response) => void response.json({ pools: source.index() }));
  app.get('/api/v1/decisions', (request, response) => {
    const { limit } = parseQuery(decisionsQuery, request.query);
    response.json({ decisions: source.decisions(limit) });
  });
  app.get('/api/v1/decisions/:id', (request, response) => {
    const record = source.decision(request.params.id);
    if (record === undefined) throw new SidecarError('not-found', 'no decision of this id is remembered');
    response.json(record);
  });
};

/** A reader of a dump that takes nothing for this long is cut off, for others wait for their turn. */
const DUMP_STALL_MS = 10_000;

const addDump = (app: Express, source: AdminSource, logger: Logger): void => {
  app.get('/api/v1/dump', async (request, response) => {
    const { endpoint, head } = parseQuery(dumpQuery, request.query);
    const pieces = source.dump({ endpoints: endpoint, headOnly: head === 'true' })[Symbol.asyncIterator]();
    // What is wrong with the request shows with the first piece, before anything is answered.
    const first = await pieces.next();
    const all = async function* (): AsyncGenerator<Uint8Array, void, void> {
      try {
        for (let piece = first; piece.done !== true; piece = await pieces.next()) yield piece.value;
      } finally {
        await pieces.return?.();
      }
    };
    response.type('application/octet-stream');
    response.setTimeout(DUMP_STALL_MS, () => response.destroy());
    try {
      await pipeline(Readable.from(all(), { objectMode: false }), response);
    } catch (failure) {
      logger.info('a dump was not taken whole', { reason: SidecarError.from(failure, 'internal').message });
    }
  });
};

const bodyToExplain = async (request: Request, clock: Clock): Promise<Uint8Array> => {
  const body = await readBody(request, { limitBytes: defaultBodyLimitBytes, clock });
  if (body.kind === 'cut') throw new SidecarError('body-too-large', 'the request to explain is too long');
  if (body.kind === 'aborted' || body.bytes === null) {
    throw new SidecarError('invalid-argument', 'the body must be the request to explain');
  }
  return body.bytes;
};

const addExplain = (app: Express, source: AdminSource, clock: Clock): void => {
  app.post('/api/v1/explain', async (request, response) => {
    const { path, tokens } = parseQuery(explainQuery, request.query);
    const body = await bodyToExplain(request, clock);
    removeOwnedHeaders(request.headers);
    const routeRequest: RouteRequest = {
      method: 'POST',
      path,
      header: headerReader(request),
      body,
      isBodyComplete: true,
      subset: null,
      excluded: null,
      observesResponse: false,
    };
    const { record, tokenIds } = await source.explain(routeRequest);
    response.json(tokens === 'true' ? { ...record, tokenIds: tokenIds === null ? null : [...tokenIds] } : record);
  });
};

/** Shows health, metrics, state and decisions. Reads other rooms only through its source; changes nothing. */
export const createAdminGateway = (options: AdminGatewayOptions): Gateway => {
  const { listen, source, clock } = options;
  const logger = options.logger.child({ gateway: 'admin' });
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  addProbes(app, source);
  addState(app, source);
  addExplain(app, source, clock);
  addDump(app, source, logger);
  app.use((request) => {
    throw new SidecarError('not-found', `there is no ${request.method} ${request.path}`);
  });
  const onFailure: ErrorRequestHandler = (failure: unknown, _request, response, _next) => {
    // Express reports a path that is not valid percent-encoding as URIError.
    const { code, message } = SidecarError.from(failure, failure instanceof URIError ? 'invalid-argument' : 'internal');
    if (code === 'internal') logger.error('request failed', { code, stack: stackFrames(failure) });
    const text = message.slice(`[${code}] `.length);
    sendError(response, code === 'internal' ? { code } : { code, message: text });
  };
  app.use(onFailure);
  return createHttpGateway({ name: 'admin', listen, clock, logger, onRequest: app });
};
