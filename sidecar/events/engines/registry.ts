import type { EngineKind } from '../../core/index.ts';
import type { EngineAdapter } from './adapter.ts';
import { sglangAdapter } from './sglang.ts';
import { vllmAdapter } from './vllm.ts';

/** The adapter of each engine family. A new engine is one file beside this one and one line here. */
export const engineAdapters: Readonly<Record<EngineKind, EngineAdapter>> = {
  vllm: vllmAdapter,
  sglang: sglangAdapter,
};
