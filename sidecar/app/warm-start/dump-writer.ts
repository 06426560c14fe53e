import type { Clock } from '../../core/index.ts';
import { SidecarError } from '../../core/index.ts';
import { type DumpSource, type TurnQueue, writeDump } from '../../events/index.ts';
import type { KeySeed } from '../../kvindex/index.ts';

/** What a dump is to hold: endpoints by id, all of them (null), or none but the head. */
export interface DumpRequest {
  readonly endpoints: readonly string[] | null;
  readonly headOnly: boolean;
}

/** Writes what is known of the pools' endpoints, one dump after the other. */
export interface DumpWriter {
  /** Begins once those asked for before are over. Throws `unavailable` before the key seed is settled. */
  dump(request: DumpRequest): AsyncGenerator<Uint8Array, void, void>;
  /** Whether anything is known that is worth a dump. */
  hasContent(): boolean;
}

/** Creates a writer of what `sources` gives at the time. */
export const createDumpWriter = (options: {
  readonly sources: () => readonly DumpSource[];
  /** Null while it is not settled. */
  readonly keySeed: () => KeySeed | null;
  readonly instance: string;
  readonly turns: TurnQueue;
  readonly clock: Clock;
}): DumpWriter => {
  const { sources, keySeed, instance, turns, clock } = options;
  let previous: Promise<void> = Promise.resolve();

  async function* dump({ endpoints, headOnly }: DumpRequest): AsyncGenerator<Uint8Array, void, void> {
    const seed = keySeed();
    if (seed === null) throw new SidecarError('unavailable', 'the sidecar is only just starting');
    // An index can write an endpoint only once at a time.
    const own = Promise.withResolvers<void>();
    const before = previous;
    previous = before.then(() => own.promise);
    try {
      if (!headOnly) await before;
      const isAsked = ({ endpoint }: DumpSource): boolean => endpoints === null || endpoints.includes(endpoint.id);
      const chosen = headOnly ? [] : sources().filter(isAsked);
      yield* writeDump({ sources: chosen, keySeed: seed, instance, writtenAtMs: clock.wallNow(), turns });
    } finally {
      own.resolve();
    }
  }

  return { dump, hasContent: () => sources().some(({ position }) => position() !== null) };
};
