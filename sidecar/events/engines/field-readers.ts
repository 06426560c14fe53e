import type { BlockExtra } from '../../kvindex/index.ts';
import type { EventDraft, EventField } from './event-draft.ts';
import { IntArena } from './int-arena.ts';
import { type MsgpackReader, malformed } from './msgpack-reader.ts';
import { WordTable } from './word-table.ts';

const arena = new IntArena();
const commonWords = new WordTable(['GPU', 'CPU', 'full_attention', 'mla_attention', 'sliding_window', 'mamba']);

/** Text that is mostly one of a few words, read without making a new string for those. */
const readWord = (reader: MsgpackReader): string => {
  const start = reader.offset;
  const length = reader.readTextLength();
  const word = commonWords.find(reader.bytes, reader.offset, length);
  if (word !== null) {
    reader.offset += length;
    return word;
  }
  reader.offset = start;
  return reader.readText();
};

const readEngineKeys = (reader: MsgpackReader): Int32Array => {
  const count = reader.readArrayLength();
  const pairs = arena.take(2 * count);
  for (let i = 0; i < count; i += 1) reader.readEngineKey(pairs, 2 * i);
  return pairs;
};

/**
 * Token ids; bigram engines (SGLang with EAGLE) report each token with the one after it, of which the first is taken.
 * Null where an element is anything else, such as the strings TensorRT-LLM sends for multimodal tokens.
 */
const readTokenIds = (reader: MsgpackReader): Int32Array | null => {
  const count = reader.readArrayLength();
  const tokens = arena.take(count);
  let read = reader.readTokens(tokens);
  for (; read < count && reader.peekKind() === 'array'; read += 1) {
    const pairLength = reader.readArrayLength();
    if (pairLength === 0 || reader.readTokens(tokens.subarray(read, read + 1)) === 0) {
      throw malformed('a token pair has no token');
    }
    for (let i = 1; i < pairLength; i += 1) reader.skip();
  }
  if (read === count) return tokens;
  for (; read < count; read += 1) reader.skip();
  return null;
};

/**
 * One element of `extra_keys`. A form not known here becomes its raw bytes, so that the block is one of its own that no
 * prompt matches.
 */
const readExtra = (reader: MsgpackReader): BlockExtra => {
  const kind = reader.peekKind();
  if (kind === 'text') return reader.readText();
  if (kind === 'bytes') return reader.readBytes();
  const start = reader.offset;
  if (kind === 'array' && reader.readArrayLength() === 2 && reader.peekKind() === 'text') {
    const identifier = reader.readText();
    if (reader.peekKind() === 'integer') return [identifier, reader.readInteger()];
  }
  reader.offset = start;
  reader.skip();
  return Uint8Array.prototype.slice.call(reader.bytes, start, reader.offset);
};

const readExtras = (reader: MsgpackReader): (BlockExtra[] | null)[] => {
  const blocks = reader.readArrayLength();
  const extras: (BlockExtra[] | null)[] = [];
  for (let block = 0; block < blocks; block += 1) {
    if (reader.takeNil()) {
      extras.push(null);
      continue;
    }
    const count = reader.readArrayLength();
    const entry: BlockExtra[] = [];
    for (let i = 0; i < count; i += 1) entry.push(readExtra(reader));
    extras.push(entry);
  }
  return extras;
};

/** Reads one field's value, not nil, into the draft. */
export const readField = (reader: MsgpackReader, field: EventField, draft: EventDraft): void => {
  switch (field) {
    case 'block_hashes':
      draft.engineKeys = readEngineKeys(reader);
      break;
    case 'parent_block_hash':
      draft.parent = reader.readEngineKeyValue();
      break;
    case 'token_ids':
      draft.tokenIds = readTokenIds(reader);
      break;
    case 'block_size':
      draft.blockSize = reader.readInteger();
      break;
    case 'lora_id':
      draft.loraId = reader.readInteger();
      break;
    case 'lora_name':
      draft.loraName = reader.readText();
      break;
    case 'medium':
      draft.medium = readWord(reader).toUpperCase();
      break;
    case 'extra_keys':
      draft.extras = readExtras(reader);
      break;
    case 'group_idx':
      draft.group = reader.readInteger();
      break;
    case 'kv_cache_spec_kind':
      draft.attentionKind = readWord(reader);
      break;
    case 'cache_salt':
      draft.salt = reader.readText();
      break;
    default:
      reader.skip();
  }
};
