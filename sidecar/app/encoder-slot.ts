import { type Logger, SidecarError } from '../core/index.ts';
import type { PromptEncoder } from '../prompt/index.ts';

/** State of a pool's tokenizer, for readiness and the admin API. */
export interface EncoderState {
  /** False while files are being loaded. */
  readonly isSettled: boolean;
  readonly detail: string;
}

/** The tokenizer and template of a pool, loaded in the background and again when their folder changes. */
export interface EncoderSlot {
  /** Takes over where the files are; null: nowhere, the engines are asked. */
  update(folder: string | null): void;
  /** Null until the first load is done. */
  encoder(): PromptEncoder | null;
  state(): EncoderState;
}

/** Creates an empty slot; nothing is read before `update`. */
export const createEncoderSlot = (options: {
  readonly load: (folder: string | null) => Promise<PromptEncoder>;
  readonly logger: Logger;
}): EncoderSlot => {
  const { load, logger } = options;
  let current: { readonly folder: string | null } | null = null;
  let encoder: PromptEncoder | null = null;
  let state: EncoderState = { isSettled: false, detail: 'not loaded yet' };

  const take = (loaded: PromptEncoder, tokenizer: string | null): void => {
    const { path, pathReason } = loaded;
    encoder = loaded;
    state = { isSettled: true, detail: pathReason === null ? path : `${path}: ${pathReason}` };
    logger[path === 'exact' ? 'info' : 'warn']('tokenizer loaded', { tokenizer, path, reason: pathReason });
  };

  return {
    update: (folder) => {
      if (current !== null && current.folder === folder) return;
      const wanted = { folder };
      current = wanted;
      state = { isSettled: false, detail: `loading ${folder ?? 'what the engines offer'}` };
      load(folder).then(
        (loaded) => {
          if (current === wanted) take(loaded, folder);
        },
        (failure: unknown) => {
          if (current !== wanted) return;
          const { code, message } = SidecarError.from(failure, 'tokenizer-unavailable');
          state = { isSettled: true, detail: message };
          logger.warn('tokenizer could not be loaded', { tokenizer: folder, code, problem: message });
        },
      );
    },
    encoder: () => encoder,
    state: () => state,
  };
};
