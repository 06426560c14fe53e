/**
 * events: follows each endpoint's event stream and keeps its part of the prefix index true.
 * Writes to `kvindex`; told by `app` whom to follow and what `pool` and `gateway` noticed (restart, sleep, traffic).
 * Read by `routing` (trust, applied events), the admin API and readiness (status).
 * Events of one endpoint are applied in the engine's order, each batch whole, a little per turn of the event loop.
 * Formats are vLLM's (vllm/distributed/kv_events.py) and SGLang's, over ZeroMQ; adapters live in `engines/`.
 */
export { checkDump, type DumpedEndpoint, openDump } from './dump/read-dump.ts';
export { type DumpSource, writeDump } from './dump/write-dump.ts';
export { engineAdapters } from './engines/registry.ts';
export { type EventSource, fetchEventSources, parseEventSources } from './event-sources.ts';
export { createReplayGate, type ReplayGate } from './replay-gate.ts';
export type { ReplayPort } from './stream/replay-run.ts';
export type { AdoptionOutcome, StreamPosition, WarmState } from './stream/stream-position.ts';
export { defaultTiming, type StreamTiming } from './stream/timing.ts';
export { createStreams } from './streams.ts';
export type { StreamStatus, Streams, StreamsOptions } from './streams-port.ts';
export type { EventTransport, SubscriptionSink } from './transport.ts';
export { createTurnQueue, type TurnQueue } from './turn-queue.ts';
export { createZeromqTransport } from './zeromq/zeromq-transport.ts';
