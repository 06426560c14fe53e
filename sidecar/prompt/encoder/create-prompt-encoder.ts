import { type Clock, type Logger, SidecarError, silentLogger, systemClock } from '../../core/index.ts';
import type { JsonObject } from '../api/json-value.ts';
import { reasonAgainstMemo, TurnEncoder } from '../memo/turn-encoder.ts';
import { ByteLevelBpe } from '../tokenizer/byte-level-bpe.ts';
import type { Tokenizer } from '../tokenizer/port.ts';
import type { EncodingPath, PromptEncoder } from '../types.ts';
import { addedTokenTexts, canCutBetweenWords, chooseTemplate, chooseTokenizer } from './implementations.ts';
import { type ModelFiles, readModelFiles } from './model-files.ts';
import { describeTemplate, type ModelTemplate, type ModelTemplates } from './model-template.ts';
import { createLocalEncoder } from './prompt-encoder.ts';
import { createRemoteEncoder, type RemoteTokenizer } from './remote-encoder.ts';
import type { ServerDefaults } from './template-input.ts';
import { createTextChunkEncoder } from './text-chunks.ts';

const defaultCacheBytes = 64 * 2 ** 20;

/** Options of {@link createPromptEncoder}. */
export interface PromptEncoderOptions {
  /** Folder with `tokenizer.json`, `tokenizer_config.json` and `chat_template.jinja`; null where there is none. */
  readonly folder: string | null;
  /** Source of the chat template that the engines are started with (`--chat-template`), in place of the folder's. */
  readonly chatTemplate?: string;
  /** What the engines' flags add to every request; default nothing. */
  readonly defaults?: Partial<ServerDefaults>;
  /** Tokenizes where the folder's files cannot be used; default none. */
  readonly remote?: RemoteTokenizer;
  /** Remembered turns of which one is made again from scratch and compared; default 1,000. */
  readonly shadowEvery?: number;
  /** Bound of the token ids that a package or an engine gave and that are remembered, default 64 MiB. */
  readonly cacheBytes?: number;
  readonly logger?: Logger;
  /** Serves `strftime_now` in templates. */
  readonly clock?: Clock;
}

type Settings = Required<
  Omit<PromptEncoderOptions, 'chatTemplate' | 'remote' | 'folder' | 'defaults' | 'shadowEvery'>
> & {
  readonly remote: RemoteTokenizer | null;
};

/** Raised where the folder's files cannot serve; its message is the reason. */
const unusable = (reason: string): never => {
  throw new SidecarError('tokenizer-unavailable', reason);
};

const describe = (source: string, specialTokens: JsonObject, clock: Clock): ModelTemplate => {
  const choice = chooseTemplate(source, { clock });
  if (choice.kind === 'unusable') return unusable(choice.reason);
  return describeTemplate(source, choice.implementation, specialTokens);
};

const describeTemplates = (files: ModelFiles, options: PromptEncoderOptions, clock: Clock): ModelTemplates | null => {
  const { chatTemplate } = options;
  const sources = chatTemplate === undefined ? files.templates : { plain: chatTemplate, withTools: chatTemplate };
  if (sources === null) return null;
  const plain = describe(sources.plain, files.specialTokens, clock);
  const isOne = sources.withTools === sources.plain;
  return { plain, withTools: isOne ? plain : describe(sources.withTools, files.specialTokens, clock) };
};

/** The worst of the paths taken, and every reason for one that is not exact. */
const pathOf = (
  parts: readonly { readonly path: EncodingPath; readonly pathReason: string | null }[],
): { readonly path: EncodingPath; readonly pathReason: string | null } => {
  const reasons = new Set(parts.flatMap(({ pathReason }) => (pathReason === null ? [] : [pathReason])));
  const path = parts.find((part) => part.path !== 'exact')?.path ?? 'exact';
  return { path, pathReason: reasons.size === 0 ? null : [...reasons].join('; ') };
};

/** What encodes conversations turn by turn, or why nothing does. */
const chooseTurnEncoder = (
  tokenizer: Tokenizer,
  files: ModelFiles,
  clock: Clock,
): { readonly turns: TurnEncoder | null; readonly path: EncodingPath; readonly pathReason: string | null } => {
  if (!(tokenizer instanceof ByteLevelBpe)) return { turns: null, path: 'exact', pathReason: null };
  const pathReason = reasonAgainstMemo(tokenizer);
  const addedTokens = addedTokenTexts(files.tokenizer.rest);
  const canCutText = canCutBetweenWords(files.tokenizer.rest);
  const turns = pathReason === null ? new TurnEncoder({ tokenizer, addedTokens, canCutText, clock }) : null;
  return { turns, path: 'exact', pathReason };
};

const createFromFolder = async (
  folder: string,
  options: PromptEncoderOptions,
  settings: Settings,
): Promise<PromptEncoder> => {
  const files = await readModelFiles(folder);
  const choice = chooseTokenizer(files, settings);
  if (choice.kind === 'unusable') return unusable(choice.reason);
  const tokenizer = choice.implementation;
  const templates = describeTemplates(files, options, settings.clock);
  const used = templates === null ? [] : [templates.plain.template, templates.withTools.template];
  const turnEncoder = chooseTurnEncoder(tokenizer, files, settings.clock);
  return createLocalEncoder({
    tokenizer,
    templates,
    specialTokens: files.specialTokens,
    defaults: {
      templateVariables: options.defaults?.templateVariables ?? new Map(),
      excludesToolsWhenNoneChosen: options.defaults?.excludesToolsWhenNoneChosen ?? false,
    },
    ...pathOf([tokenizer, ...used, turnEncoder]),
    turns: turnEncoder.turns,
    clock: settings.clock,
    ...(options.shadowEvery === undefined ? {} : { shadowEvery: options.shadowEvery }),
    logger: settings.logger,
  });
};

/**
 * Loads a model's tokenizer and chat template and gives the best encoder that they allow: the own implementations, which
 * give the engine's token ids exactly; else the published packages; else an engine asked over the network; else chunks of
 * text. `path` and `pathReason` say which and why. Never rejects. Builds tables and warms up synchronously: some 0.5 s
 * for a vocabulary of 150,000 entries.
 */
export const createPromptEncoder = async (options: PromptEncoderOptions): Promise<PromptEncoder> => {
  const settings: Settings = {
    remote: options.remote ?? null,
    cacheBytes: options.cacheBytes ?? defaultCacheBytes,
    logger: options.logger ?? silentLogger,
    clock: options.clock ?? systemClock,
  };
  let reason = 'no tokenizer folder is configured';
  if (options.folder !== null) {
    try {
      return await createFromFolder(options.folder, options, settings);
    } catch (failure) {
      reason = SidecarError.from(failure, 'tokenizer-unavailable').message;
      settings.logger.warn('a tokenizer folder cannot be used', { tokenizer: options.folder, problem: reason });
    }
  }
  if (settings.remote === null) return createTextChunkEncoder(reason);
  const { remote, cacheBytes, logger } = settings;
  return createRemoteEncoder({ remote, reason, cacheBytes, logger });
};
