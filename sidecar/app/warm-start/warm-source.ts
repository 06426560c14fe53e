import { SidecarError } from '../../core/index.ts';
import { checkDump, type DumpedEndpoint, openDump } from '../../events/index.ts';
import type { KeySeed } from '../../kvindex/index.ts';
import { readFileChunks } from './dump-file.ts';
import { fetchDump, findPeers, requestsFor } from './peers.ts';

/** Somewhere that knows of endpoints. */
export interface WarmSource {
  readonly kind: 'peer' | 'file';
  /** URL or path. */
  readonly name: string;
  /**
   * What it knows of these endpoints, and maybe of others, one in memory at a time. Throws `unavailable` where it does not
   * answer and `invalid-argument` where what it says is of no use; a file is looked through before anything is given out.
   */
  read(endpoints: readonly string[], options: ReadOptions): AsyncGenerator<DumpedEndpoint, void, void>;
  /** Seed of its block keys; null where it is this very process, or there is no file. Throws as `read` does. */
  keySeed(options: ReadOptions): Promise<KeySeed | null>;
}

/** For whom a source is read. */
export interface ReadOptions {
  /** Name of this process; its own dump is none. */
  readonly instance: string;
  readonly signal: AbortSignal;
}

const sameSeed = (a: KeySeed, b: KeySeed): boolean => a.lo === b.lo && a.hi === b.hi;

/** The endpoints of a dump whose keys fit here; nothing where it is this process's own. */
async function* endpointsOf(
  chunks: AsyncIterable<Uint8Array>,
  { instance, keySeed }: { readonly instance: string; readonly keySeed: KeySeed },
): AsyncGenerator<DumpedEndpoint, void, void> {
  const { head, endpoints } = await openDump(chunks);
  if (head.instance === instance) return;
  if (!sameSeed(head.keySeed, keySeed)) {
    throw new SidecarError('invalid-argument', 'not a usable dump: its block keys are made with another seed');
  }
  yield* endpoints;
}

/** A running sidecar's admin endpoint. */
const peerSource = (url: string, keySeedHere: () => KeySeed): WarmSource => ({
  kind: 'peer',
  name: url,
  async *read(endpoints, { instance, signal }) {
    for (const asked of requestsFor(endpoints)) {
      yield* endpointsOf(fetchDump(url, { endpoints: asked, signal }), { instance, keySeed: keySeedHere() });
    }
  },
  keySeed: async ({ instance, signal }) => {
    const { head, endpoints } = await openDump(fetchDump(url, { endpoints: 'none', signal }));
    for await (const _ of endpoints);
    return head.instance === instance ? null : head.keySeed;
  },
});

const isMissing = (failure: unknown): boolean =>
  typeof failure === 'object' && failure !== null && 'code' in failure && failure.code === 'ENOENT';

/** Runs `read`, with nothing for a file that is not there, and `unavailable` for one that cannot be read. */
async function* orNothing<Value>(read: AsyncGenerator<Value, void, void>): AsyncGenerator<Value, void, void> {
  try {
    yield* read;
  } catch (failure) {
    if (!isMissing(failure)) throw SidecarError.from(failure, 'unavailable');
  }
}

/** The file of an earlier process. */
const fileSource = (path: string, keySeedHere: () => KeySeed): WarmSource => ({
  kind: 'file',
  name: path,
  read: (_, { instance }) =>
    orNothing(
      (async function* () {
        const options = { instance, keySeed: keySeedHere() };
        await checkDump(readFileChunks(path));
        yield* endpointsOf(readFileChunks(path), options);
      })(),
    ),
  keySeed: async () => {
    const seeds = orNothing(
      (async function* () {
        const { head, endpoints } = await openDump(readFileChunks(path));
        await endpoints.return();
        yield head.keySeed;
      })(),
    );
    for await (const seed of seeds) return seed;
    return null;
  },
});

/** Stands for peers that cannot be found. */
const lostSource = (name: string, failure: unknown): WarmSource => {
  const fail = (): Promise<null> => Promise.reject(failure);
  return {
    kind: 'peer',
    name,
    async *read() {
      await fail();
      yield* [];
    },
    keySeed: fail,
  };
};

/** The sources of a configuration: its peers as of the time of asking, then its file. Null where there are none at all. */
export const createSourceFinder = (config: {
  readonly peers: readonly string[];
  readonly peerService: string | null;
  readonly file: string | null;
}): ((keySeed: () => KeySeed) => Promise<readonly WarmSource[]>) | null => {
  const { peers, peerService, file } = config;
  if (peers.length === 0 && peerService === null && file === null) return null;
  return async (keySeed) => {
    const files = file === null ? [] : [fileSource(file, keySeed)];
    try {
      const urls = await findPeers({ peers, peerService });
      return [...urls.map((url) => peerSource(url, keySeed)), ...files];
    } catch (failure) {
      return [...peers.map((url) => peerSource(url, keySeed)), lostSource(peerService ?? 'peers', failure), ...files];
    }
  };
};
