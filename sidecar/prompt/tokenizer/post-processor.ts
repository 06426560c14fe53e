import { asList, asObject, asString, asTokenId, isObject, type JsonObject } from './json-shape.ts';
import { unsupported } from './unsupported.ts';

/** Ids that `add_special_tokens` puts around a text. */
export interface SpecialTokens {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const NONE: SpecialTokens = { before: [], after: [] };

/**
 * Reads `post_processor` of a `tokenizer.json`, for single texts: ByteLevel (only offsets), TemplateProcessing, Bert- and
 * RobertaProcessing, and sequences of them, each around what those before it made.
 */
export const parsePostProcessor = (value: unknown): SpecialTokens => {
  if (value === null || value === undefined) return NONE;
  const processor = asObject(value, 'post_processor');
  switch (processor['type']) {
    case 'ByteLevel':
      return NONE;
    case 'TemplateProcessing':
      return parseTemplate(processor);
    case 'BertProcessing':
    case 'RobertaProcessing':
      return { before: [pairId(processor, 'cls')], after: [pairId(processor, 'sep')] };
    case 'Sequence':
      return asList(processor['processors'], 'processors').map(parsePostProcessor).reduce(around, NONE);
    default:
      return unsupported(`post-processor ${String(processor['type'])}`);
  }
};

const around = (inner: SpecialTokens, outer: SpecialTokens): SpecialTokens => ({
  before: [...outer.before, ...inner.before],
  after: [...inner.after, ...outer.after],
});

/** Id of `["</s>", 2]`. */
const pairId = (processor: JsonObject, name: string): number => asTokenId(asList(processor[name], name)[1], name);

const parseTemplate = (processor: JsonObject): SpecialTokens => {
  const before: number[] = [];
  const after: number[] = [];
  let texts = 0;
  for (const item of asList(processor['single'], 'single')) {
    const piece = asObject(item, 'template piece');
    if (isObject(piece['Sequence'])) texts += 1;
    else {
      const name = asString(asObject(piece['SpecialToken'], 'template piece')['id'], 'special token');
      const token = asObject(asObject(processor['special_tokens'], 'special_tokens')[name], 'special token');
      const ids = asList(token['ids'], 'ids').map((id) => asTokenId(id, 'special token'));
      (texts === 0 ? before : after).push(...ids);
    }
  }
  return texts === 1 ? { before, after } : unsupported('a template without exactly one text');
};
