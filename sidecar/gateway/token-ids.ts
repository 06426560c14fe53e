import type { HandedTokenIds } from '../routing/index.ts';
import { withStringReplaced } from './string-member.ts';

const closeBrace = 0x7d;
const parameterName = Buffer.from('kv_transfer_params');

const withParameters = (body: Buffer, ids: string): Buffer | null => {
  const end = body.lastIndexOf(closeBrace);
  if (end < 0 || body.includes(parameterName)) return null;
  return Buffer.concat([body.subarray(0, end), Buffer.from(`,"kv_transfer_params":{"prompt_token_ids":${ids}}}`)]);
};

/**
 * A request's body with its prompt's token ids: those of a chat added as `kv_transfer_params.prompt_token_ids`, as vLLM takes
 * them since 0.27 (vllm/entrypoints/openai/chat_completion, vllm/entrypoints/anthropic), those of a completion in place of
 * its text; the engine then renders and tokenizes nothing. Everything else stays as it was, byte for byte. Null where the
 * body has such parameters already. `body` is a JSON object with members.
 */
export const withTokenIds = (body: Uint8Array, { member, tokenIds }: HandedTokenIds): Buffer | null => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const ids = `[${tokenIds.join()}]`;
  return member === 'prompt' ? withStringReplaced(bytes, 'prompt', ids) : withParameters(bytes, ids);
};
