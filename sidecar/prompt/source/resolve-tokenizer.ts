import { join } from 'node:path';
import { type Clock, SidecarError } from '../../core/index.ts';
import { createHubCache, hasTokenizer } from './hub-cache.ts';
import { createHubClient, type HubFetch } from './hub-client.ts';
import { parseHubModel } from './hub-id.ts';

/** Where tokenizer files may come from. */
export interface TokenizerSourceOptions {
  /** A folder, or a hub id with an optional `@revision`; null where none is configured. */
  readonly tokenizer: string | null;
  /** Folder whose subfolders hold models by hub id or its last part, as a mounted volume does; null: there is none. */
  readonly modelsFolder: string | null;
  /** Cache in the layout of Hugging Face's client, which may be an engine's; null: nothing is kept, so nothing fetched. */
  readonly cacheFolder: string | null;
  /** The hub to download from; null: offline, it is never tried. */
  readonly hub: { readonly url: string; readonly token: string | null } | null;
  readonly fetch: HubFetch;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long all downloads together may take; default 120,000. */
  readonly timeoutMs?: number;
}

/** Where files were found: `folder` as configured, below the `mounted` folder, in the `cache`, or fetched from the `hub`. */
export type TokenizerOrigin = 'folder' | 'mounted' | 'cache' | 'hub';

/** What was looked for and found. */
export interface TokenizerSource {
  /** Folder for `createPromptEncoder`; null where there are no files, so that the engine is to be asked. */
  readonly folder: string | null;
  /** Null where there are no files. */
  readonly origin: TokenizerOrigin | null;
  /** One line for people: the origin and its folder, or why each possible one has none. */
  readonly detail: string;
  /** Whether asking again later may help: the hub was not reachable, or busy. */
  readonly isWorthRetrying: boolean;
}

const defaultTimeoutMs = 120_000;

const statusOf = ({ details }: SidecarError): number | null =>
  typeof details['status'] === 'number' ? details['status'] : null;

/** A refusal stays one until somebody changes something; anything else may pass. */
const mayPass = (failure: SidecarError): boolean => ![401, 403, 404].includes(statusOf(failure) ?? 0);

/**
 * Finds a model's tokenizer files, in this order: the folder that is named; below the mounted folder; in the cache; a
 * download from the hub into the cache. A cached revision is not compared with the hub's: name a commit to be sure of it.
 * Never rejects but with the reason of an aborted signal; says in `detail` what came of it.
 */
export const resolveTokenizer = async (options: TokenizerSourceOptions): Promise<TokenizerSource> => {
  const { tokenizer, modelsFolder, cacheFolder, hub, fetch, clock, signal } = options;
  const tried: string[] = [];
  const found = (origin: TokenizerOrigin, folder: string): TokenizerSource => ({
    folder,
    origin,
    detail: `${origin}: ${folder}`,
    isWorthRetrying: false,
  });
  const none = (isWorthRetrying: boolean): TokenizerSource => ({
    folder: null,
    origin: null,
    detail: tried.join('; '),
    isWorthRetrying,
  });

  if (tokenizer === null) {
    tried.push('no tokenizer is configured');
    return none(false);
  }
  if (await hasTokenizer(tokenizer)) return found('folder', tokenizer);
  const model = parseHubModel(tokenizer);
  if (model === null) {
    tried.push(`folder ${tokenizer}: no tokenizer.json`);
    return none(false);
  }

  if (modelsFolder !== null) {
    for (const name of [model.id, model.id.split('/').at(-1) ?? model.id]) {
      const folder = join(modelsFolder, name);
      if (await hasTokenizer(folder)) return found('mounted', folder);
    }
    tried.push(`mounted: no ${model.id} in ${modelsFolder}`);
  }

  if (cacheFolder === null) {
    tried.push('cache and hub: no cache folder is configured');
    return none(false);
  }
  const cache = createHubCache(cacheFolder);
  const cached = await cache.find(model);
  if (cached !== null) return found('cache', cached);
  tried.push(`cache: no ${model.id} at ${model.revision} in ${cacheFolder}`);

  if (hub === null) {
    tried.push('hub: offline, not tried');
    return none(false);
  }
  signal.throwIfAborted();
  const limit = new AbortController();
  const cancel = clock.schedule(options.timeoutMs ?? defaultTimeoutMs, () => limit.abort());
  try {
    const client = createHubClient({ ...hub, fetch, signal: AbortSignal.any([signal, limit.signal]) });
    const commit = await client.commitOf(model);
    return found('hub', await cache.add(model, commit, (aside) => client.download(model, commit, aside)));
  } catch (cause) {
    signal.throwIfAborted();
    const failure = SidecarError.from(cause, 'tokenizer-unavailable');
    tried.push(`hub: ${limit.signal.aborted ? 'it took too long' : failure.message}`);
    return none(mayPass(failure));
  } finally {
    cancel();
  }
};
