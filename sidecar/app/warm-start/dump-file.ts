import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';

const chunkBytes = 256 * 1024;

/**
 * Writes a file whole or not at all: as `PATH.part` first, then in place of the one before, once it is on the disk. What a
 * killed process leaves of the former is written over by the next. Returns its bytes; rejects with what the file system says.
 */
export const writeFileWhole = async (path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> => {
  const temporary = `${path}.part`;
  let bytes = 0;
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      for await (const chunk of chunks) {
        await file.writeFile(chunk);
        bytes += chunk.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    return bytes;
  } catch (failure) {
    await rm(temporary, { force: true });
    throw failure;
  }
};

/** A file's bytes, a little at a time; throws with the code `ENOENT` where there is none. */
export const readFileChunks = (path: string): AsyncIterable<Uint8Array> =>
  createReadStream(path, { highWaterMark: chunkBytes });
