import { type Endpoint, SidecarError } from '../../core/index.ts';
import type { DumpablePrefixIndex, Holder, KeySeed } from '../../kvindex/index.ts';
import type { StreamPosition } from '../stream/stream-position.ts';
import type { TurnQueue } from '../turn-queue.ts';
import { RecordWriter, recordKind } from './dump-records.ts';
import { keyProbe } from './dump-shapes.ts';

/** An endpoint whose part of an index is to be written. */
export interface DumpSource {
  readonly endpoint: Endpoint;
  readonly index: Pick<DumpablePrefixIndex, 'dumpHolder' | 'blocksOf'>;
  readonly holder: Holder;
  /** Unix seconds at which the engine's process started, null where it does not tell. */
  readonly startedAtSeconds: number | null;
  /** Where its stream stands as of now; null: nothing to write. */
  readonly position: () => StreamPosition | null;
}

/** What {@link writeDump} writes, and in whose turns. */
export interface DumpOptions {
  readonly sources: readonly DumpSource[];
  readonly keySeed: KeySeed;
  readonly instance: string;
  readonly writtenAtMs: number;
  readonly turns: TurnQueue;
}

/** What an index writes of a block, with a little to spare. */
const bytesPerBlock = 34;

interface Step {
  readonly piece: IteratorResult<Uint8Array, void>;
  readonly position: StreamPosition | null;
}

const nextStep = async (turns: TurnQueue, take: () => Step): Promise<Step> => {
  const taken = Promise.withResolvers<Step>();
  await turns.run(() => taken.resolve(take()));
  return taken.promise;
};

/** Each endpoint is as of its last piece: its position is taken in the same turn. */
async function* writeEndpoint(
  source: DumpSource,
  { writer, turns }: { readonly writer: RecordWriter; readonly turns: TurnQueue },
): AsyncGenerator<Uint8Array, void, void> {
  const { endpoint, index, holder, startedAtSeconds } = source;
  let position = source.position();
  if (position === null) return;
  const { id, address, rank, engine } = endpoint;
  const expectedBytes = index.blocksOf(holder) * bytesPerBlock;
  yield writer.json(recordKind.endpoint, { id, address, rank, engine, startedAtSeconds, expectedBytes });
  let pieces: Generator<Uint8Array, void, void> | null = null;
  try {
    const written = index.dumpHolder(holder);
    pieces = written;
    for (;;) {
      const step = await nextStep(turns, () => ({ piece: written.next(), position: source.position() }));
      if (step.piece.done === true) break;
      position = step.position;
      yield writer.record(recordKind.piece, step.piece.value);
    }
  } catch (failure) {
    // Cleared, gone or changed too much meanwhile: the rest of the dump is as good as before.
    const { code } = SidecarError.from(failure, 'internal');
    if (code !== 'unavailable' && code !== 'invalid-argument') throw failure;
    position = null;
  } finally {
    pieces?.return();
  }
  yield position === null ? writer.record(recordKind.abandoned) : writer.json(recordKind.position, position);
}

/**
 * Writes what is known of endpoints, in pieces of at most about 2 ms of work, one a turn; events may be applied in between.
 * Holds one piece at a time. Ending it early gives up what is under way. No two at a time of the same endpoint.
 */
export async function* writeDump(options: DumpOptions): AsyncGenerator<Uint8Array, void, void> {
  const { sources, keySeed, instance, writtenAtMs, turns } = options;
  const writer = new RecordWriter();
  yield writer.preface();
  yield writer.json(recordKind.head, { instance, writtenAtMs, keySeed, keyProbe: keyProbe(keySeed) });
  for (const source of sources) yield* writeEndpoint(source, { writer, turns });
  yield writer.record(recordKind.end);
}
