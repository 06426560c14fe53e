import { cp, readFile, writeFile } from 'node:fs/promises';
import { tinyQwenFolder } from '../../sidecar/simulator/index.ts';

/** Copies the embedded model's folder, with a chat template that begins every prompt otherwise than the engine's. */
export const otherTemplate = async (folder: string): Promise<string> => {
  await cp(tinyQwenFolder, folder, { recursive: true });
  const template = await readFile(`${folder}/chat_template.jinja`, 'utf8');
  await writeFile(`${folder}/chat_template.jinja`, `Attention! ${template}`);
  return folder;
};
