import { backoffMs, type Clock, type Logger, type Random, SidecarError } from '../core/index.ts';
import type { PromptEncoder, TokenizerSource } from '../prompt/index.ts';

/** State of a pool's tokenizer, for readiness and the admin API. */
export interface EncoderState {
  /** False while nothing can encode yet. */
  readonly isSettled: boolean;
  readonly detail: string;
}

/**
 * The tokenizer and template of a pool, loaded in the background and again when another is named. Where files cannot be had
 * for now, what does without them serves, and they are looked for again with growing pauses.
 */
export interface EncoderSlot {
  /** Takes over which tokenizer is configured; null: none, the engines are asked. */
  update(tokenizer: string | null): void;
  /** Null until the first load is done. */
  encoder(): PromptEncoder | null;
  state(): EncoderState;
  /** Ends looking for files. */
  stop(): void;
}

/** What an encoder slot works with. */
export interface EncoderSlotOptions {
  /** Finds files; rejects only where the sidecar ends. */
  readonly resolve: (tokenizer: string | null) => Promise<TokenizerSource>;
  /** Makes an encoder of a folder's files, or for null of what does without any. */
  readonly create: (folder: string | null) => Promise<PromptEncoder>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A download that takes longer is not waited for: what does without files serves until it is done. */
const PATIENCE_MS = 10_000;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 300_000;

/** What is being looked for, and how far it got. */
interface Search {
  readonly tokenizer: string | null;
  /** `fallback`: an encoder without files serves. */
  serving: 'nothing' | 'fallback' | 'files';
  tries: number;
  /** When it is looked for again, null where it is not. */
  nextAtMs: number | null;
  cancel(): void;
}

/** Creates an empty slot; nothing is read before `update`. */
export const createEncoderSlot = (options: EncoderSlotOptions): EncoderSlot => {
  const { resolve, create, clock, random, logger } = options;
  let search: Search | null = null;
  let encoder: PromptEncoder | null = null;
  let state: EncoderState = { isSettled: false, detail: 'not loaded yet' };
  let told = '';

  const tell = ({ tokenizer }: Search, { folder, origin, detail }: TokenizerSource): void => {
    const text = `${tokenizer} ${detail}`;
    if (text === told) return;
    told = text;
    if (folder === null) logger.warn('no tokenizer files, the engines are asked', { tokenizer, problem: detail });
    else logger.info('tokenizer files found', { tokenizer, origin, folder });
  };

  const use = async (mine: Search, source: Pick<TokenizerSource, 'folder' | 'detail'>): Promise<void> => {
    const { folder, detail: where } = source;
    const { tokenizer } = mine;
    try {
      const created = await create(folder);
      if (search !== mine || mine.serving === 'files') return;
      const { path, pathReason: reason } = created;
      mine.serving = folder === null ? 'fallback' : 'files';
      encoder = created;
      state = { isSettled: true, detail: `${path}${reason === null ? '' : `: ${reason}`} (${where})` };
      logger[path === 'exact' ? 'info' : 'warn']('tokenizer loaded', { tokenizer, path, reason });
    } catch (failure) {
      if (search !== mine) return;
      const { code, message } = SidecarError.from(failure, 'tokenizer-unavailable');
      state = { isSettled: true, detail: message };
      logger.warn('tokenizer could not be loaded', { tokenizer, code, problem: message });
    }
  };

  const look = async (mine: Search): Promise<void> => {
    mine.nextAtMs = null;
    mine.tries += 1;
    const isFirst = mine.serving === 'nothing';
    if (isFirst) {
      mine.cancel = clock.schedule(
        PATIENCE_MS,
        () => void use(mine, { folder: null, detail: 'files are still being looked for' }),
      );
    }
    const source = await resolve(mine.tokenizer);
    if (search !== mine) return;
    mine.cancel();
    tell(mine, source);
    if (source.folder !== null || isFirst) await use(mine, source);
    if (search !== mine || !source.isWorthRetrying) return;
    const attempt = mine.tries - 1;
    const pauseMs = backoffMs({ attempt, baseMs: FIRST_PAUSE_MS, capMs: LONGEST_PAUSE_MS, random });
    mine.nextAtMs = clock.now() + pauseMs;
    mine.cancel = clock.schedule(pauseMs, () => begin(mine));
  };

  const begin = (mine: Search): void => {
    look(mine).catch((failure: unknown) => {
      if (search !== mine) return;
      mine.cancel();
      state = { isSettled: true, detail: SidecarError.from(failure, 'tokenizer-unavailable').message };
    });
  };

  const retryText = ({ nextAtMs, tries }: Search): string =>
    nextAtMs === null ? '' : `; tries: ${tries}, next in ${Math.max(0, Math.ceil((nextAtMs - clock.now()) / 1000))} s`;

  return {
    update: (tokenizer) => {
      if (search !== null && search.tokenizer === tokenizer) return;
      search?.cancel();
      search = { tokenizer, serving: 'nothing', tries: 0, nextAtMs: null, cancel: () => {} };
      state = { isSettled: false, detail: `loading ${tokenizer ?? 'what the engines offer'}` };
      begin(search);
    },
    encoder: () => encoder,
    state: () => (search === null ? state : { ...state, detail: state.detail + retryText(search) }),
    stop: () => {
      search?.cancel();
      search = null;
    },
  };
};
