import { describe, expect, it } from '@jest/globals';
import { createNaivePrefixIndex, createPrefixIndex } from '../../../sidecar/kvindex/index.ts';
import { mirrorIndex } from '../../support/mirrored-index.ts';
import {
  type RecordedFrames,
  type RecordedRequest,
  readClears,
  readFrames,
  readRequests,
} from '../../support/recorded-frames.ts';
import { createStreamHarness, type StreamHarness } from '../../support/stream-harness.ts';
import { createTinyIndex, type TinyIndex } from '../../support/tiny-index.ts';

/** Something of a recording, at its time. */
interface Step {
  readonly atSeconds: number;
  readonly run: () => void;
}

const inOrder = (steps: readonly Step[]): void => {
  for (const { run } of [...steps].sort((a, b) => a.atSeconds - b.atSeconds)) run();
};

const messagesOf = (harness: StreamHarness, messages: readonly RecordedFrames[]): readonly Step[] =>
  messages.map(({ atSeconds, frames }) => ({ atSeconds, run: () => harness.stream.receive(frames) }));

const predict = ({ index, endpoint }: StreamHarness, { promptTokenIds, body }: RecordedRequest): number => {
  const { model, cache_salt: salt } = body;
  return index.cachedTokens(endpoint, {
    tokenIds: promptTokenIds,
    blockSize: 32,
    loraName: typeof model === 'string' && model !== 'tiny' ? model : null,
    salt: typeof salt === 'string' ? salt : null,
  });
};

/** Predicts each request at the time it was sent; notes of those that the engine answered otherwise go to `wrong`. */
const requestsOf = (harness: StreamHarness, requests: readonly RecordedRequest[], wrong: string[]): readonly Step[] =>
  requests.map((request) => ({
    atSeconds: request.sentAtSeconds,
    run: () => {
      if (predict(harness, request) !== request.cachedTokens) wrong.push(request.note);
    },
  }));

const folder = (version: string, scenarios: readonly string[]) => ({
  messages: scenarios.flatMap((name) => readFrames(`${version}/${name}.events.jsonl`)),
  requests: scenarios.flatMap((name) => readRequests(`${version}/${name}.http.jsonl`)),
  clears: scenarios.flatMap((name) => readClears(`${version}/${name}.http.jsonl`)),
});

const everything = {
  'v0.32.0-map': [
    'a_prefix',
    'h_exact_blocks',
    'd_salt',
    'b_eviction',
    'c_reset',
    'i_full_report_session',
    'k_request_side',
  ],
  'v0.23.0-array': ['a_prefix', 'h_exact_blocks', 'd_salt', 'b_eviction', 'c_reset', 'k_request_side'],
};

// A request with prompt_logprobs does not read the cache; routing knows that, the index does not.
const skipsCache = 'prompt_logprobs (no cache read?)';

describe.each<[string, () => TinyIndex]>([
  ['the test index', createTinyIndex],
  ['the naive index', () => mirrorIndex(createNaivePrefixIndex())],
  ['the index', () => mirrorIndex(createPrefixIndex({ maxBlocks: 10_000 }))],
])('predictions from recorded streams by %s', (_, createIndex) => {
  it.each([
    {
      version: 'v0.32.0-map',
      scenarios: everything['v0.32.0-map'],
      requests: 47,
      wrong: ['after the reset', skipsCache],
    },
    { version: 'v0.23.0-array', scenarios: everything['v0.23.0-array'], requests: 41, wrong: ['after the reset'] },
    { version: 'v0.32.0-map', scenarios: ['e_lora'], requests: 5, wrong: [] },
    { version: 'v0.32.0-map', scenarios: ['s_sleep'], requests: 3, wrong: ['after wake', 'after pause and resume'] },
  ])('are wrong only for $wrong in $version $scenarios', ({ version, scenarios, requests: count, wrong }) => {
    const harness = createStreamHarness({ hasReplay: false, index: createIndex() });
    const { messages, requests } = folder(version, scenarios);
    const mistakes: string[] = [];
    inOrder([...messagesOf(harness, messages), ...requestsOf(harness, requests, mistakes)]);
    expect(requests.length).toBe(count);
    expect(mistakes).toEqual(wrong);
    expect(harness.stream.report()).toMatchObject({ malformedFrames: 0, duplicateFrames: 0, gaps: 0 });
  });

  it.each([
    { version: 'v0.32.0-map', scenarios: ['a_prefix', 'h_exact_blocks', 'd_salt', 'b_eviction', 'c_reset'] },
    { version: 'v0.23.0-array', scenarios: ['a_prefix', 'h_exact_blocks', 'd_salt', 'b_eviction', 'c_reset'] },
    { version: 'v0.32.0-map', scenarios: ['s_sleep'] },
  ])('are right after a reset or sleep too, where the call was seen: $version $scenarios', ({ version, scenarios }) => {
    const harness = createStreamHarness({ hasReplay: false, index: createIndex() });
    const { messages, requests, clears } = folder(version, scenarios);
    const mistakes: string[] = [];
    const notices = clears.map(({ sentAtSeconds, path }) => ({
      atSeconds: sentAtSeconds,
      run: () => harness.stream.cleared(path),
    }));
    inOrder([...messagesOf(harness, messages), ...requestsOf(harness, requests, mistakes), ...notices]);
    expect(clears.length).toBeGreaterThan(0);
    expect(mistakes).toEqual([]);
  });

  it('are right after a restart with unchanged hashes, where the process start was seen', () => {
    const harness = createStreamHarness({ hasReplay: false, index: createIndex() });
    const { messages, requests } = folder('v0.32.0-map', [...everything['v0.32.0-map'], 'g_restart']);
    const first = requests.find(({ note }) => note === 'first after the restart');
    const startedAtSeconds = (first?.sentAtSeconds ?? 0) - 1;
    const mistakes: string[] = [];
    inOrder([
      ...messagesOf(harness, messages),
      ...requestsOf(harness, requests, mistakes),
      {
        atSeconds: startedAtSeconds,
        run: () => harness.stream.restarted({ reason: 'process-start-time', startedAtSeconds }),
      },
    ]);
    // The same notice again, as each scrape brings it, changes nothing.
    harness.stream.restarted({ reason: 'process-start-time', startedAtSeconds });
    expect(mistakes).toEqual(['after the reset', skipsCache]);
    expect(harness.stream.report()).toMatchObject({ trust: 'exact', lastSequence: 0, restarts: 1 });
  });

  it('notices the restart by its first batch, where nothing else told', () => {
    const harness = createStreamHarness({ hasReplay: false, index: createIndex() });
    const { messages, requests } = folder('v0.32.0-map', [...everything['v0.32.0-map'], 'g_restart']);
    const mistakes: string[] = [];
    inOrder([...messagesOf(harness, messages), ...requestsOf(harness, requests, mistakes)]);
    expect(mistakes).toEqual(['after the reset', skipsCache, 'first after the restart']);
    expect(harness.stream.report()).toMatchObject({ trust: 'exact', restarts: 1 });
  });

  it.each(['v0.23.0-array', 'v0.32.0-map'] as const)(
    'are the same from a replay of %s as from its live stream',
    (version) => {
      const live = createStreamHarness({ hasReplay: false, index: createIndex() });
      for (const { frames } of folder(version, everything[version]).messages) live.stream.receive(frames);
      const joined = createStreamHarness({ index: createIndex() });
      joined.stream.connected();
      joined.replay.current.answer(...firstReplay(`${version}/f_replay.replay.jsonl`));
      expect(joined.stream.report()).toMatchObject({
        state: 'live',
        trust: 'exact',
        lastSequence: live.stream.lastSequence,
        batchesLost: 0,
      });
      expect(joined.index.contents(joined.endpoint)).toEqual(live.index.contents(live.endpoint));
    },
  );

  it('keep data-parallel ranks apart', () => {
    const ranks = [0, 1].map((rank) => {
      const harness = createStreamHarness({ hasReplay: false, index: createIndex() });
      const messages = readFrames('v0.32.0-map-dp2/dp.events.jsonl').filter(({ port }) => port === 15570 + rank);
      const requests = readRequests('v0.32.0-map-dp2/dp.http.jsonl').filter(
        ({ headers }) => headers['X-data-parallel-rank'] === String(rank),
      );
      const mistakes: string[] = [];
      inOrder([...messagesOf(harness, messages), ...requestsOf(harness, requests, mistakes)]);
      return { requests: requests.length, mistakes, trust: harness.stream.trust().trust };
    });
    expect(ranks).toEqual([
      { requests: 2, mistakes: [], trust: 'exact' },
      { requests: 2, mistakes: [], trust: 'exact' },
    ]);
  });
});

/** Replies to the first request of a replay recording, which asks for everything. */
const firstReplay = (path: string): readonly (readonly Uint8Array[])[] => {
  const replies = readFrames(path).map(({ frames }) => frames);
  const end = replies.findIndex((frames) => frames.at(-1)?.length === 0);
  return replies.slice(0, end + 1);
};
