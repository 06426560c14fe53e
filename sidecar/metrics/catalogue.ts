/** What one metric is. Its name is without the prefix `warmroute_`; counters end in `_total`, others in their unit. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Base unit, or what is counted. */
  readonly unit: string;
  /** Exactly the labels that each observation gives. None may take unbounded values. */
  readonly labels: readonly string[];
  /** One sentence. */
  readonly meaning: string;
  /** Upper bounds of a histogram's buckets, ascending. */
  readonly buckets?: readonly number[];
}

const decisionBuckets = [0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];
const requestBuckets = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300];
const eventBuckets = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];

const endpointLabels = ['pool', 'endpoint'] as const;

const gatewayMetrics: readonly MetricDefinition[] = [
  {
    name: 'requests_total',
    type: 'counter',
    unit: 'requests',
    labels: ['gateway', 'outcome', 'pool'],
    meaning:
      'Requests by how they ended: answered, no-endpoint, refused, body-too-large, upstream-failed, upstream-timeout, client-abort, internal.',
  },
  {
    name: 'requests_in_flight',
    type: 'gauge',
    unit: 'requests',
    labels: ['gateway'],
    meaning: 'Requests that are being served.',
  },
  {
    name: 'request_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: ['gateway'],
    meaning: "Time from a request's header to the end of its answer.",
    buckets: requestBuckets,
  },
  {
    name: 'time_to_first_token_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: ['gateway', 'pool'],
    meaning: "Time from a request's header to the first generated content, where the gateway sees the answer.",
    buckets: requestBuckets,
  },
  {
    name: 'late_decisions_total',
    type: 'counter',
    unit: 'requests',
    labels: ['gateway', 'cause'],
    meaning:
      'Requests that were not decided within `decisionTimeoutMs`, by what was waited for: body (what was there of it decided) or routing (load decided).',
  },
  {
    name: 'upstream_failures_total',
    type: 'counter',
    unit: 'attempts',
    labels: ['pool', 'kind'],
    meaning:
      'Attempts at an endpoint that failed before its answer began: unreachable, or broken after the connection was made.',
  },
];

const routingMetrics: readonly MetricDefinition[] = [
  {
    name: 'decisions_total',
    type: 'counter',
    unit: 'decisions',
    labels: ['pool', 'reason'],
    meaning: 'Decisions by what decided: prefix, approximate, load, session, fallback-…, no-endpoint, refused.',
  },
  {
    name: 'decision_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: ['step'],
    meaning: 'Time of each step of a decision: parse, tokenize, match, schedule.',
    buckets: decisionBuckets,
  },
  {
    name: 'predictions_total',
    type: 'counter',
    unit: 'requests',
    labels: ['pool', 'reason', 'outcome'],
    meaning: 'Predicted cached tokens against what the engine reported: exact, over, under.',
  },
  {
    name: 'prediction_error_tokens_total',
    type: 'counter',
    unit: 'tokens',
    labels: ['pool', 'outcome', 'reason'],
    meaning:
      'Tokens by which predictions missed: over (predicted, not cached) and under (cached, not predicted); by reason: other-model, prompt-tokens, block-size, untrusted, promised, salted, unexplained.',
  },
  {
    name: 'prediction_drifts_total',
    type: 'counter',
    unit: 'drifts',
    labels: [...endpointLabels, 'cause'],
    meaning:
      'Times that predictions began to miss beyond chance, by likely cause: tokenization, block-size, lost-events, salt, other-model.',
  },
  {
    name: 'prediction_drift_ratio',
    type: 'gauge',
    unit: 'ratio',
    labels: endpointLabels,
    meaning:
      'Share of cached tokens that predictions get wrong while they drift, else 0; absent before the first drift.',
  },
  {
    name: 'prompt_token_mismatches_total',
    type: 'counter',
    unit: 'requests',
    labels: ['pool'],
    meaning: 'Requests whose prompt the engine counted with another number of tokens: tokenizer or template differ.',
  },
];

const eventMetrics: readonly MetricDefinition[] = [
  {
    name: 'event_stream_state',
    type: 'gauge',
    unit: 'state',
    labels: endpointLabels,
    meaning: "State of an endpoint's event stream: 0 closed, 1 connecting, 2 stale, 3 gap, 4 replaying, 5 live.",
  },
  {
    name: 'event_batches_total',
    type: 'counter',
    unit: 'batches',
    labels: endpointLabels,
    meaning: 'Event batches applied.',
  },
  {
    name: 'events_applied_total',
    type: 'counter',
    unit: 'events',
    labels: [...endpointLabels, 'kind'],
    meaning: 'Events applied: block-stored, block-removed, all-blocks-cleared.',
  },
  {
    name: 'events_skipped_total',
    type: 'counter',
    unit: 'events',
    labels: endpointLabels,
    meaning: 'Events of a kind that is not known.',
  },
  {
    name: 'event_fields_skipped_total',
    type: 'counter',
    unit: 'fields',
    labels: endpointLabels,
    meaning: 'Fields of events that are not known.',
  },
  {
    name: 'event_gaps_total',
    type: 'counter',
    unit: 'gaps',
    labels: endpointLabels,
    meaning: 'Times that batch numbers were missing.',
  },
  {
    name: 'event_batches_lost_total',
    type: 'counter',
    unit: 'batches',
    labels: endpointLabels,
    meaning: 'Batches that no replay could bring back.',
  },
  {
    name: 'event_frames_duplicate_total',
    type: 'counter',
    unit: 'frames',
    labels: endpointLabels,
    meaning: 'Frames whose number was applied already.',
  },
  {
    name: 'event_frames_malformed_total',
    type: 'counter',
    unit: 'frames',
    labels: endpointLabels,
    meaning: 'Frames that are not a valid event batch; nothing of them is applied.',
  },
  {
    name: 'event_frames_overflowed_total',
    type: 'counter',
    unit: 'frames',
    labels: endpointLabels,
    meaning: 'Live frames dropped because too many waited for a replay.',
  },
  {
    name: 'engine_restarts_total',
    type: 'counter',
    unit: 'restarts',
    labels: endpointLabels,
    meaning: 'Restarts of an engine that were noticed.',
  },
  {
    name: 'event_replays_total',
    type: 'counter',
    unit: 'replays',
    labels: [...endpointLabels, 'outcome'],
    meaning: 'Replays by outcome: complete, malformed, gave-up, cancelled.',
  },
  {
    name: 'warm_starts_total',
    type: 'counter',
    unit: 'attempts',
    labels: ['source', 'outcome'],
    meaning:
      'Attempts to take on what a peer or a file knew of an endpoint: adopted, not-needed, not-better, busy, restarted, unproven, behind, interrupted, unknown-endpoint; and of a whole source: unreachable, unusable.',
  },
  {
    name: 'event_frames_unrouted_total',
    type: 'counter',
    unit: 'frames',
    labels: ['pool'],
    meaning: 'Frames on a bound event socket whose topic names no endpoint.',
  },
  {
    name: 'orphaned_stores_total',
    type: 'counter',
    unit: 'events',
    labels: endpointLabels,
    meaning: 'Stored events whose parent block is not known.',
  },
  {
    name: 'event_lag_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: endpointLabels,
    meaning: "Time from a batch's publication, by the engine's clock, until it was applied.",
    buckets: eventBuckets,
  },
  {
    name: 'event_turn_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: [],
    meaning: 'Time spent applying events in one turn of the event loop.',
    buckets: decisionBuckets,
  },
];

const poolMetrics: readonly MetricDefinition[] = [
  {
    name: 'endpoints',
    type: 'gauge',
    unit: 'endpoints',
    labels: ['pool', 'health'],
    meaning: 'Endpoints by health: unknown, ready, failing.',
  },
  {
    name: 'endpoint_trust',
    type: 'gauge',
    unit: 'trust',
    labels: endpointLabels,
    meaning: "How far an endpoint's part of the index can be relied on: 0 fallback, 1 degraded, 2 exact.",
  },
  {
    name: 'endpoint_restarts_total',
    type: 'counter',
    unit: 'restarts',
    labels: ['pool', 'reason'],
    meaning: 'Restarts of engines seen by their metrics or by their source: incarnation, process-start, counters.',
  },
  {
    name: 'endpoint_probes_total',
    type: 'counter',
    unit: 'probes',
    labels: ['pool', 'outcome'],
    meaning: 'Probes of failing endpoints: back, failing.',
  },
  {
    name: 'connection_failures_total',
    type: 'counter',
    unit: 'failures',
    labels: ['pool', 'source'],
    meaning: 'Refused connections by who met them: request, scrape, models.',
  },
  {
    name: 'scrapes_total',
    type: 'counter',
    unit: 'scrapes',
    labels: ['pool', 'outcome'],
    meaning: "Scrapes of engines' metrics: ok, or why one was missed.",
  },
  {
    name: 'scrape_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: ['pool'],
    meaning: 'Time until an engine answered a scrape.',
    buckets: eventBuckets,
  },
  {
    name: 'model_polls_total',
    type: 'counter',
    unit: 'polls',
    labels: ['pool', 'outcome'],
    meaning: 'Questions to engines which models they serve.',
  },
  {
    name: 'ledger_ends_total',
    type: 'counter',
    unit: 'requests',
    labels: ['pool', 'ledger', 'reason'],
    meaning: 'Requests that left the ledger of work in flight (observed or inferred), by what ended them.',
  },
];

const indexMetrics: readonly MetricDefinition[] = [
  { name: 'index_blocks', type: 'gauge', unit: 'blocks', labels: ['pool'], meaning: 'Distinct blocks in the index.' },
  {
    name: 'index_pairs',
    type: 'gauge',
    unit: 'pairs',
    labels: ['pool'],
    meaning: 'Pairs of a block and an endpoint that holds it.',
  },
  {
    name: 'index_memory_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: ['pool'],
    meaning: 'Memory of the index outside the JavaScript heap.',
  },
  {
    name: 'index_evicted_blocks',
    type: 'gauge',
    unit: 'blocks',
    labels: ['pool'],
    meaning: "Blocks dropped by the index's cap since the start.",
  },
];

const conversationMetrics: readonly MetricDefinition[] = [
  {
    name: 'conversation_turns_total',
    type: 'counter',
    unit: 'requests',
    labels: ['outcome'],
    meaning:
      'Chats looked up in the memory of conversations, by whether their beginning was known or all of it is new.',
  },
  {
    name: 'conversation_body_bytes_total',
    type: 'counter',
    unit: 'bytes',
    labels: ['source'],
    meaning: 'Bytes of those chats by whether they were remembered or read.',
  },
  {
    name: 'conversation_checks_total',
    type: 'counter',
    unit: 'requests',
    labels: ['outcome'],
    meaning:
      'Remembered prompts that were made again from scratch: same, or different, of which one turns the memory off.',
  },
  {
    name: 'conversations',
    type: 'gauge',
    unit: 'conversations',
    labels: [],
    meaning: 'Conversations remembered.',
  },
  {
    name: 'conversation_memory_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    meaning: 'Estimated memory of the conversations remembered.',
  },
];

/** Every metric that the sidecar reports of itself, in the order of docs/METRICS.md. */
export const catalogue: readonly MetricDefinition[] = [
  ...gatewayMetrics,
  ...routingMetrics,
  ...eventMetrics,
  ...poolMetrics,
  ...indexMetrics,
  ...conversationMetrics,
];
