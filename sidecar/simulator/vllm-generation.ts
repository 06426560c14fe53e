/** A vLLM release whose outside behaviour the embedded engine takes on. */
export type VllmVersion = '0.23.0' | '0.32.0';

/** What differs between vLLM releases as seen from outside. */
export interface VllmGeneration {
  readonly version: VllmVersion;
  /** Events as positional arrays (up to 0.23) or as maps with a `type` key (from 0.24). */
  readonly encoding: 'array' | 'map';
  /** Whether replies to a replay request carry the topic frame (from 0.26). */
  readonly replaysTopic: boolean;
  /**
   * Whether freed blocks that hold nothing reusable are taken first by the next allocation (vllm pull request 42656),
   * instead of standing in the queue behind older cached blocks.
   */
  readonly reusesUncachedFirst: boolean;
  /** Whether `usage` reports a miss as `cached_tokens: 0` and counts created tokens; else a miss has no details. */
  readonly reportsMisses: boolean;
  /** Whether a chat may bring its token ids in `kv_transfer_params.prompt_token_ids`. */
  readonly takesPromptTokenIds: boolean;
  /** Whether stored events name the request's session. */
  readonly namesSessions: boolean;
  /** Whether `GET /kv_event_sources` exists (from 0.31). */
  readonly listsEventSources: boolean;
  /** Whether block hashes are the same in every process (from 0.29); before, each process draws a seed. */
  readonly keepsHashes: boolean;
}

/** Behaviour by release, as recorded from vLLM on CPU (test/fixtures/vllm). */
export const vllmGenerations: Readonly<Record<VllmVersion, VllmGeneration>> = {
  '0.23.0': {
    version: '0.23.0',
    encoding: 'array',
    replaysTopic: false,
    reusesUncachedFirst: false,
    reportsMisses: false,
    takesPromptTokenIds: false,
    namesSessions: false,
    listsEventSources: false,
    keepsHashes: false,
  },
  '0.32.0': {
    version: '0.32.0',
    encoding: 'map',
    replaysTopic: true,
    reusesUncachedFirst: true,
    reportsMisses: true,
    takesPromptTokenIds: true,
    namesSessions: true,
    listsEventSources: true,
    keepsHashes: true,
  },
};
