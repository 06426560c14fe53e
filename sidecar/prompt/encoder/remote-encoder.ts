import type { Logger } from '../../core/index.ts';
import type { MultimodalItem } from '../../kvindex/index.ts';
import type { PlainPrompt, PromptSource } from '../api/prompt-source.ts';
import { TokenCache } from '../tokenizer/token-cache.ts';
import type { EncodedPrompt, ParsedRequest, PromptEncoder, PromptSequence, ReadPrompt } from '../types.ts';

/** One prompt as an engine tokenized it. */
export interface RemotePrompt {
  readonly tokenIds: Int32Array;
  readonly multimodal: readonly MultimodalItem[];
}

/** Asks an engine for the tokens of a request. */
export interface RemoteTokenizer {
  /**
   * The request's prompts, in order. Rejects with SidecarError `unavailable` or `upstream-timeout` where no engine
   * answers, `template-failed` where the engine refuses the request.
   */
  tokenize(request: {
    readonly api: ParsedRequest['api'];
    readonly body: Uint8Array;
  }): Promise<readonly RemotePrompt[]>;
}

/** Joins lists of ids into one with their lengths in front, so that one cache entry holds them. */
const packed = (prompts: readonly RemotePrompt[]): Int32Array =>
  Int32Array.from([
    prompts.length,
    ...prompts.map(({ tokenIds }) => tokenIds.length),
    ...prompts.flatMap(({ tokenIds }) => [...tokenIds]),
  ]);

const unpacked = (ids: Int32Array): readonly RemotePrompt[] => {
  const [count = 0] = ids;
  let at = 1 + count;
  return Array.from(ids.subarray(1, 1 + count), (length) => {
    const tokenIds = ids.slice(at, at + length);
    at += length;
    return { tokenIds, multimodal: [] };
  });
};

type TokenPrompt = Extract<PlainPrompt, { kind: 'tokens' }>;

/** The prompts where all are token ids already. */
const givenTokens = ({ content, truncation }: PromptSource): readonly TokenPrompt[] | null => {
  if (content.kind !== 'plain' || truncation !== null) return null;
  const prompts = content.prompts.filter((prompt) => prompt.kind === 'tokens');
  return prompts.length === content.prompts.length ? prompts : null;
};

/**
 * An encoder that asks an engine, with the request's own bytes, and remembers the answers by these bytes. Prompts that
 * are token ids already are not sent. Of cut-off bodies nothing is known: engines answer only to whole ones.
 */
export const createRemoteEncoder = (options: {
  readonly remote: RemoteTokenizer;
  readonly reason: string;
  readonly cacheBytes: number;
  readonly logger: Logger;
}): PromptEncoder => {
  const cache = new TokenCache({ maxBytes: options.cacheBytes });

  const ask = async (request: ParsedRequest, { body }: ReadPrompt): Promise<readonly RemotePrompt[] | null> => {
    const key = `${request.api} ${Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')}`;
    const known = cache.get(key);
    if (known !== null) return unpacked(known);
    try {
      const prompts = await options.remote.tokenize({ api: request.api, body });
      if (prompts.every(({ multimodal }) => multimodal.length === 0)) cache.set(key, packed(prompts));
      return prompts;
    } catch (failure) {
      const problem = failure instanceof Error ? failure.message : 'unknown';
      options.logger.debug('an engine did not tokenize a request', { problem });
      return null;
    }
  };

  return {
    path: 'remote',
    pathReason: options.reason,
    encode: (request, { loraName }): EncodedPrompt | Promise<EncodedPrompt> => {
      const { prompt } = request;
      if (prompt === undefined) return { kind: 'unknown', why: request.unreadable ?? 'no-prompt' };
      const { source } = prompt;
      const identityWith = (multimodal: readonly MultimodalItem[]) => ({ loraName, salt: source.salt, multimodal });
      const encoded = (sequences: readonly PromptSequence[]): EncodedPrompt => ({
        kind: 'encoded',
        path: 'remote',
        sequences,
      });
      const given = givenTokens(source);
      if (given !== null) {
        const identity = identityWith(source.multimodal);
        return encoded(given.map(({ tokenIds, isWhole }) => ({ tokenIds, isWhole, identity })));
      }
      if (!prompt.isBodyWhole) return { kind: 'unknown', why: 'cut' };
      return ask(request, prompt).then((prompts) => {
        if (prompts === null) return { kind: 'unknown', why: 'remote-tokenizer' };
        return encoded(
          prompts.map(({ tokenIds, multimodal }) => ({ tokenIds, isWhole: true, identity: identityWith(multimodal) })),
        );
      });
    },
  };
};
