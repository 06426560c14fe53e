const closeBrace = 0x7d;
const parameterName = Buffer.from('kv_transfer_params');

/**
 * A chat request's body with its prompt's token ids added, `kv_transfer_params.prompt_token_ids` as vLLM takes them since
 * 0.27 (vllm/entrypoints/openai/chat_completion): the engine then renders and tokenizes nothing. Everything else stays as
 * it was, byte for byte. Null where the body has such parameters already. `body` is a JSON object with members.
 */
export const withTokenIds = (body: Uint8Array, tokenIds: Int32Array): Buffer | null => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const end = bytes.lastIndexOf(closeBrace);
  if (end < 0 || bytes.includes(parameterName)) return null;
  const member = Buffer.from(`,"kv_transfer_params":{"prompt_token_ids":[${tokenIds.join()}]}}`);
  return Buffer.concat([bytes.subarray(0, end), member]);
};
