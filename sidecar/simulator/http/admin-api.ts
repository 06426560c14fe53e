import type { EngineProcess } from '../engine-process.ts';
import { badRequest } from './api-error.ts';
import { type Handler, readBody, sendJson, sendText } from './exchange.ts';
import { findModel } from './generation-params.ts';
import { formatMetrics } from './metrics-page.ts';
import { optionalString, parseBody } from './request-body.ts';

const modelCards = ({ options, startedAtSeconds }: EngineProcess): readonly unknown[] => {
  const card = (id: string, parent: string | null) => ({
    id,
    object: 'model',
    created: Math.floor(startedAtSeconds),
    owned_by: 'vllm',
    root: id,
    parent,
    max_model_len: parent === null ? options.maxModelTokens : null,
    permission: [],
  });
  return [card(options.model, null), ...options.loraAdapters.map((name) => card(name, options.model))];
};

/** Where each rank publishes, in the form of vLLM's `kv_events_config`. */
const eventSources = ({ options, addresses }: EngineProcess): unknown =>
  Object.fromEntries(
    addresses.map(({ eventsAddress, replayAddress }, rank) => [
      rank,
      {
        enable_kv_cache_events: true,
        publisher: 'zmq',
        endpoint: eventsAddress,
        replay_endpoint: replayAddress,
        buffer_steps: options.replayBatches,
        hwm: 100_000,
        max_queue_size: 100_000,
        topic: options.topic,
      },
    ]),
  );

const tokenize =
  (process: EngineProcess): Handler =>
  async ({ request, response, url }) => {
    const { options } = process;
    const bytes = await readBody(request);
    const { lora } = findModel(optionalString(parseBody(bytes), 'model'), options);
    const encoded = await options.tokenizer.encode(
      { path: url.pathname, body: bytes, isComplete: true },
      { loraName: lora?.name ?? null },
    );
    if (encoded.kind === 'unknown') throw badRequest(`The prompt cannot be encoded: ${encoded.why}`);
    const tokens = [...(encoded.sequences[0]?.tokenIds ?? [])];
    sendJson(response, { count: tokens.length, max_model_len: options.maxModelTokens, tokens, token_strs: null });
  };

const sleepLevelOf = (url: URL): 0 | 1 | 2 => {
  const level = url.searchParams.get('level') ?? '1';
  if (level === '0') return 0;
  if (level === '1') return 1;
  if (level === '2') return 2;
  throw badRequest(`Unknown sleep level ${level}.`, 'level');
};

/** Handlers of everything but generation, by method and path. */
export const createAdminHandlers = (process: EngineProcess): Readonly<Record<string, Handler>> => ({
  'GET /health': ({ response }) => sendText(response),
  'GET /version': ({ response }) => sendJson(response, { version: process.options.generation.version }),
  'GET /v1/models': ({ response }) => sendJson(response, { object: 'list', data: modelCards(process) }),
  'GET /metrics': ({ response }) =>
    sendText(response, formatMetrics(process), 'text/plain; version=0.0.4; charset=utf-8'),
  ...(process.options.generation.listsEventSources
    ? { 'GET /kv_event_sources': ({ response }) => sendJson(response, eventSources(process)) }
    : {}),
  'POST /tokenize': tokenize(process),
  'POST /reset_prefix_cache': ({ response }) => {
    const cleared = process.cores.map((core) => core.clearCache());
    if (process.options.generation.reportsMisses) sendJson(response, { success: cleared.every(Boolean) });
    else sendText(response);
  },
  'POST /sleep': ({ response, url }) => {
    process.sleepLevel = sleepLevelOf(url);
    process.pause();
    sendJson(response, { status: 'sleeping', level: process.sleepLevel });
  },
  'POST /wake_up': ({ response }) => {
    process.sleepLevel = 0;
    process.resume();
    sendJson(response, { status: 'awake', tags: null });
  },
  'GET /is_sleeping': ({ response }) => sendJson(response, { is_sleeping: process.sleepLevel > 0 }),
  'POST /pause': ({ response }) => {
    process.pause();
    sendJson(response, { status: 'paused' });
  },
  'POST /resume': ({ response }) => {
    process.resume();
    sendJson(response, { status: 'resumed' });
  },
});
