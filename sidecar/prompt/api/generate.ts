import type { MultimodalItem } from '../../kvindex/index.ts';
import { isJsonArray, isJsonObject, type JsonValue } from './json-value.ts';
import { hasMember, integerMember, objectMember } from './members.ts';
import type { PromptSource } from './prompt-source.ts';
import { type Read, read, refused } from './refusal.ts';
import { isOpenAt, type RequestBody, tokenPrompts, withPromptOptions } from './request-body.ts';

const readItem = (identifier: JsonValue, range: JsonValue | undefined): MultimodalItem | null => {
  if (typeof identifier !== 'string' || !isJsonObject(range)) return null;
  const offset = integerMember(range, 'offset');
  const length = integerMember(range, 'length');
  return offset === null || length === null || offset < 0 || length < 1 ? null : { identifier, offset, length };
};

/** `features` of a rendered request: the identifier and place of each image or the like, in prompt order. */
const readFeatures = (body: RequestBody): Read<readonly MultimodalItem[]> => {
  if (!hasMember(body.root, 'features')) return read([]);
  const features = objectMember(body.root, 'features');
  const hashes = features === null ? null : objectMember(features, 'mm_hashes');
  const ranges = features === null ? null : objectMember(features, 'mm_placeholders');
  if (hashes === null || ranges === null) return refused(isOpenAt(body, 'features') ? 'cut' : 'invalid-prompt');
  const items: MultimodalItem[] = [];
  for (const [modality, identifiers] of hashes) {
    const places = ranges.get(modality);
    if (!isJsonArray(identifiers) || !isJsonArray(places)) return refused('invalid-prompt');
    for (const [index, identifier] of identifiers.entries()) {
      const item = readItem(identifier, places[index]);
      if (item === null) return refused('invalid-prompt');
      items.push(item);
    }
  }
  return read(items.sort((left, right) => left.offset - right.offset));
};

/**
 * `/inference/v1/generate`: token ids, used as they are, with the identifiers of images among them. Shape of vLLM's
 * `GenerateRequest` (`vllm/entrypoints/scale_out/token_in_token_out/protocol.py`).
 */
export const generateSource = (body: RequestBody): Read<PromptSource> => {
  if (hasMember(body.root, 'content_parts')) return refused('unsupported');
  const [prompt] = tokenPrompts(body, 'token_ids');
  const isNested = body.tokenLists.get('token_ids')?.isNested ?? false;
  const isAbsent = prompt === undefined || (prompt.kind === 'tokens' && prompt.tokenIds.length === 0);
  if (body.openPath !== null && isAbsent) return refused('cut');
  if (isNested || (isAbsent && hasMember(body.root, 'token_ids'))) return refused('invalid-prompt');
  if (isAbsent) return refused('no-prompt');
  const multimodal = readFeatures(body);
  if ('refused' in multimodal) return multimodal;
  const source = withPromptOptions(
    body,
    { kind: 'plain', prompts: [prompt] },
    { addsSpecialTokens: false, truncates: false },
  );
  return 'refused' in source ? source : read({ ...source.value, multimodal: multimodal.value });
};
