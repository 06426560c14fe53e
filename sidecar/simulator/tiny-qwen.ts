import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createPromptEncoder, parseRequest } from '../prompt/index.ts';
import type { EngineTokenizer } from './engine-tokenizer.ts';
import { parseVocabulary, type Vocabulary } from './vocabulary.ts';

/**
 * Folder of the embedded model: `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja`, `config.json` of a
 * Qwen2-shaped model without weights. It lies beside this module, so a build must copy it next to the compiled file.
 */
export const tinyQwenFolder: string = fileURLToPath(new URL('./tiny-qwen', import.meta.url));

/** Reads the embedded model's vocabulary. */
export const loadTinyQwenVocabulary = async (): Promise<Vocabulary> =>
  parseVocabulary(await readFile(`${tinyQwenFolder}/tokenizer.json`, 'utf8'));

/** Loads the embedded model's tokenizer and chat template, by the same code as the sidecar's. Engines can share one. */
export const loadTinyQwen = async (): Promise<EngineTokenizer> => {
  const [encoder, vocabulary] = await Promise.all([
    createPromptEncoder({ folder: tinyQwenFolder }),
    loadTinyQwenVocabulary(),
  ]);
  return { encode: (request, options) => encoder.encode(parseRequest(request), options), vocabulary };
};
