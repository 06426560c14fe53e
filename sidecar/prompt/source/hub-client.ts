import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { SidecarError } from '../../core/index.ts';
import { TOKENIZER_FILE } from './hub-cache.ts';
import type { HubModel } from './hub-id.ts';

/** The part of `fetch` that is needed. */
export type HubFetch = (
  url: string,
  request: {
    readonly method: 'GET' | 'HEAD';
    readonly headers: Readonly<Record<string, string>>;
    readonly redirect: 'follow' | 'manual';
    readonly signal: AbortSignal;
  },
) => Promise<{
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
}>;

/** A model hub: Hugging Face's or a mirror that serves `/ID/resolve/REVISION/FILE`. */
export interface HubClient {
  /**
   * The commit that a revision is at, or the revision itself where the hub does not say. Rejects with
   * `tokenizer-unavailable`; `details.status` holds what the hub answered, if it did.
   */
  commitOf(model: HubModel): Promise<string>;
  /** Downloads the files that a tokenizer and a chat template may need into a folder. Rejects likewise. */
  download(model: HubModel, commit: string, folder: string): Promise<void>;
}

/** What a tokenizer and a chat template may be made of; all but the first may be missing. */
const files = [
  TOKENIZER_FILE,
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
];

const LARGEST_FILE_BYTES = 256 * 2 ** 20;

const refusal = ({ id, revision }: HubModel, status: number): SidecarError => {
  const meanings: Readonly<Record<number, string>> = {
    401: 'the hub asks for a token: give one that may read this model',
    403: 'the token may not read this model; ask for access on its page',
    404: `the hub has no ${id} with a ${TOKENIZER_FILE} at revision ${revision}`,
    429: 'the hub takes no more requests for now',
  };
  const message = `${id}: ${meanings[status] ?? `the hub answered ${status}`}`;
  return new SidecarError('tokenizer-unavailable', message, { details: { status } });
};

const write = async (body: AsyncIterable<Uint8Array> | null, path: string): Promise<number> => {
  const file = await open(path, 'w');
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.length;
      if (bytes > LARGEST_FILE_BYTES) throw new SidecarError('tokenizer-unavailable', 'the hub sent too long a file');
      await file.write(chunk);
    }
  } finally {
    await file.close();
  }
  return bytes;
};

/** Creates a client. A token goes to the hub itself and, as `fetch` does it, to no other host that it points at. */
export const createHubClient = (options: {
  /** As `https://huggingface.co`. */
  readonly url: string;
  readonly token: string | null;
  readonly fetch: HubFetch;
  readonly signal: AbortSignal;
}): HubClient => {
  const { token, fetch, signal } = options;
  const base = options.url.replace(/\/$/, '');
  const headers: Readonly<Record<string, string>> = token === null ? {} : { authorization: `Bearer ${token}` };
  const ask = async (
    path: string,
    request: { readonly method: 'GET' | 'HEAD'; readonly redirect: 'follow' | 'manual' },
  ): ReturnType<HubFetch> => {
    try {
      return await fetch(`${base}${path}`, { ...request, headers, signal });
    } catch (failure) {
      throw SidecarError.from(failure, 'tokenizer-unavailable');
    }
  };
  return {
    commitOf: async (model) => {
      const path = `/${model.id}/resolve/${model.revision}/${TOKENIZER_FILE}`;
      // The commit is told before the hub points on to where the file lies.
      const { status, headers: told } = await ask(path, { method: 'HEAD', redirect: 'manual' });
      if (status >= 400) throw refusal(model, status);
      const commit = told.get('x-repo-commit');
      return commit !== null && /^[0-9a-f]{7,64}$/.test(commit) ? commit : model.revision;
    },
    download: async (model, commit, folder) => {
      for (const name of files) {
        const path = `/${model.id}/resolve/${commit}/${name}`;
        const { status, headers: told, body } = await ask(path, { method: 'GET', redirect: 'follow' });
        if (status === 404 && name !== TOKENIZER_FILE) continue;
        if (status !== 200) throw refusal(model, status);
        const bytes = await write(body, join(folder, name));
        const promised = told.get('content-encoding') === null ? Number(told.get('content-length') ?? bytes) : bytes;
        if (bytes !== promised) {
          throw new SidecarError('tokenizer-unavailable', `${name} came short: ${bytes} of ${promised} bytes`);
        }
      }
    },
  };
};
