/**
 * simulator: embedded engines that look like vLLM from outside: OpenAI API, block pool, KV events, replay, metrics.
 * Written to by HTTP clients; faults are switched on by whoever created the engine.
 * Read by `cli` (demo, engine), `app` and tests; nothing else imports it.
 * A step's events are published before its tokens go out; batches are numbered from 0 without gaps.
 * Formats are vLLM's (vllm/distributed/kv_events.py, vllm/v1/core, vllm/entrypoints), checked against its recordings.
 */

export type { BlockIdentity, CacheEvent } from './cache-event.ts';
export { type ChatLoadShape, type ChatSample, runChatLoad } from './chat-load.ts';
export { createEngine, type Engine, type EngineAddresses } from './engine.ts';
export type { EngineFaults } from './engine-faults.ts';
export type { EngineOptions } from './engine-options.ts';
export type { EngineTokenizer } from './engine-tokenizer.ts';
export { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts';
export type { StepTimes } from './step-time.ts';
export { createTimedEngine, type TimedEngine, type TimedEngineOptions } from './timed-engine.ts';
export { loadTinyQwen, loadTinyQwenVocabulary, tinyQwenFolder } from './tiny-qwen.ts';
export { createWordSource, type TokenSource } from './token-source.ts';
export type { VllmVersion } from './vllm-generation.ts';
export { createDetokenizer, type Vocabulary } from './vocabulary.ts';
