import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from './kube-client.ts';

/** The checkout's root. */
export const repository = fileURLToPath(new URL('../../../', import.meta.url));

const isObject = (value: unknown): value is KubeObject =>
  typeof value === 'object' && value !== null && 'kind' in value && 'metadata' in value;

/** Every object of a YAML text of many documents. */
export const parseObjects = (text: string): readonly KubeObject[] =>
  parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    const value: unknown = document.toJS();
    return isObject(value) ? [value] : [];
  });

/** Runs kubectl; resolves with its standard output, rejects with its standard error. */
export const kubectl = (executable: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(executable, ['kubectl', ...args], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`));
    });
  });

/** Builds a folder with kustomize. */
export const kustomize = async (executable: string, folder: string): Promise<readonly KubeObject[]> =>
  parseObjects(await kubectl(executable, ['kustomize', folder]));

/** Objects of all YAML files below a folder; none where there is no such folder. */
export const readObjects = async (folder: string): Promise<readonly KubeObject[]> => {
  if (!existsSync(folder)) return [];
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => /\.ya?ml$/.test(name)).sort();
  const objects = await Promise.all(
    files.map(async (name) => parseObjects(await readFile(join(folder, name), 'utf8'))),
  );
  return objects.flat();
};

/** Folders with custom resource definitions: what install.sh fetched, and those of WARMROUTE_CRDS or beside the checkout. */
export const definitionFolders = (): readonly string[] => [
  `${process.env['WARMROUTE_REAL_CACHE'] ?? '.cache/real'}/kubernetes-crds`,
  process.env['WARMROUTE_CRDS'] ?? join(dirname(repository.replace(/\/$/, '')), 'shared', 'crds'),
];
