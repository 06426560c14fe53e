import { randomUUID } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HubModel } from './hub-id.ts';

/** The one file without which a folder is no tokenizer. */
export const TOKENIZER_FILE = 'tokenizer.json';

/** Whether a folder holds a tokenizer. */
export const hasTokenizer = (folder: string): Promise<boolean> =>
  access(join(folder, TOKENIZER_FILE)).then(
    () => true,
    () => false,
  );

/** A folder of models in the layout that Hugging Face's own client uses, so that an engine's cache can be read too. */
export interface HubCache {
  /** Folder of a revision that is there whole, null where it is not. */
  find(model: HubModel): Promise<string | null>;
  /**
   * Makes a revision stand for a commit, whose folder it resolves with. Where that is not there yet, `fill` writes into a
   * folder aside, which takes its place whole, or not at all where `fill` rejects.
   */
  add(model: HubModel, commit: string, fill: (folder: string) => Promise<void>): Promise<string>;
}

/**
 * Creates a cache at `root` (`HF_HUB_CACHE`, which is `~/.cache/huggingface/hub` by default). Layout: huggingface_hub,
 * `models--ORGANIZATION--NAME/{refs/REVISION,snapshots/COMMIT}`.
 */
export const createHubCache = (root: string): HubCache => {
  const folderOf = ({ id }: HubModel): string => join(root, `models--${id.replace('/', '--')}`);
  const snapshotOf = (model: HubModel, commit: string): string => join(folderOf(model), 'snapshots', commit);
  const findCommit = async (model: HubModel, commit: string): Promise<string | null> => {
    const folder = snapshotOf(model, commit);
    return (await hasTokenizer(folder)) ? folder : null;
  };
  const fillAside = async (target: string, fill: (folder: string) => Promise<void>): Promise<void> => {
    const aside = `${target}.${randomUUID()}`;
    await mkdir(aside, { recursive: true });
    try {
      await fill(aside);
      // Another process may have been quicker; its files are the same commit's.
      await rename(aside, target).catch(async (failure: unknown) => {
        if (!(await hasTokenizer(target))) throw failure;
      });
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  };
  return {
    find: async (model) => {
      const reference = join(folderOf(model), 'refs', model.revision);
      const commit = await readFile(reference, 'utf8').catch(() => model.revision);
      return findCommit(model, commit.trim());
    },
    add: async (model, commit, fill) => {
      const target = snapshotOf(model, commit);
      if ((await findCommit(model, commit)) === null) await fillAside(target, fill);
      const references = join(folderOf(model), 'refs');
      await mkdir(references, { recursive: true });
      await writeFile(join(references, model.revision), commit);
      return target;
    },
  };
};
