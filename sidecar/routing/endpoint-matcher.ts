import type { Medium } from '../core/index.ts';
import type { BlockKeys, Holder } from '../kvindex/index.ts';
import type { EndpointState } from '../pool/index.ts';
import type { EncodedPrompt, PromptSequence } from '../prompt/index.ts';
import type { Candidate } from '../scheduling/index.ts';
import { slowMediaWeight } from './medium-weights.ts';
import { type KeyedSequence, keySequences, type Matcher, PromptMatch, WeightedMatch } from './prompt-match.ts';
import type { EndpointTrust, RoutedPool } from './routed-pool.ts';

/** Block size taken for granted while nothing is known of an engine; vLLM's default on GPUs. */
const ASSUMED_BLOCK_SIZE = 16;
const noTrust: EndpointTrust = { trust: 'fallback', missingShare: 1 };

/** The pick with what a booking needs. */
export interface PickedEndpoint {
  readonly candidate: Candidate;
  readonly holder: Holder;
  readonly keys: readonly BlockKeys[];
  /** Blocks of each sequence that the index holds there, by events alone. */
  readonly heldBlocks: readonly number[];
  /** Which view gave its cached tokens. */
  readonly view: 'precise' | 'approximate';
  /** False where a cut-off prompt may have more cached than is known. */
  readonly isPredictable: boolean;
}

/** Block size of an endpoint: what it reports, else what the pool's events show, else vLLM's default. */
const blockSizeOf = (state: EndpointState, known: readonly number[]): number => {
  const smallest = known[0];
  if (known.length === 1 && smallest !== undefined) return smallest;
  return state.load?.blockSize ?? smallest ?? ASSUMED_BLOCK_SIZE;
};

/** A prompt under one block size, as each view knows it; a view is asked when it is needed first. */
class PromptViews {
  readonly keyed: readonly KeyedSequence[];
  readonly #pool: RoutedPool;
  #precise: PromptMatch | null = null;
  #speculative: PromptMatch | null = null;
  #approximate: PromptMatch | null = null;
  #weighted: WeightedMatch | null = null;

  constructor(pool: RoutedPool, sequences: readonly PromptSequence[], blockSize: number) {
    this.#pool = pool;
    this.keyed = keySequences(sequences, { blockSize, seed: pool.index.keySeed });
  }

  get precise(): PromptMatch {
    this.#precise ??= this.#match(this.#pool.index);
    return this.#precise;
  }

  get speculative(): PromptMatch {
    this.#speculative ??= this.#match(this.#pool.inFlight.speculativeView);
    return this.#speculative;
  }

  get approximate(): PromptMatch {
    this.#approximate ??= this.#match(this.#pool.history);
    return this.#approximate;
  }

  weighted(weightOf: (medium: Medium) => number): WeightedMatch {
    this.#weighted ??= new WeightedMatch(this.#pool.index, this.keyed, weightOf);
    return this.#weighted;
  }

  #match(view: Matcher): PromptMatch {
    return new PromptMatch(view, this.keyed, this.#pool.index.capacity);
  }
}

/** What events do not tell, own history may: where some of them are missing, its word counts as much as is missing. */
const guessedTokens = ({ trust, missingShare }: EndpointTrust, approximate: number): number => {
  if (trust === 'exact') return 0;
  return trust === 'fallback' ? approximate : Math.floor(approximate * missingShare);
};

/** Matches one prompt against endpoints of a pool; the prompt's keys are made once for each block size in use. */
export class EndpointMatcher {
  readonly #pool: RoutedPool;
  readonly #readsCache: boolean;
  /** False for text chunks, which are no engine's blocks: only own history knows them. */
  readonly #isTokens: boolean;
  readonly #usesHistory: boolean;
  readonly #sequences: readonly PromptSequence[];
  readonly #blockSizes: readonly number[];
  /** Null where no block lies on a medium that counts for less than 1: nothing is weighed then. */
  readonly #weightOf: ((medium: Medium) => number) | null;
  readonly #byBlockSize = new Map<number, PromptViews>();
  #lastBlockSize = 0;
  #lastViews: PromptViews | null = null;

  constructor(pool: RoutedPool, options: { readonly prompt: EncodedPrompt; readonly readsCache: boolean }) {
    const { prompt, readsCache } = options;
    this.#pool = pool;
    this.#readsCache = readsCache;
    this.#isTokens = prompt.kind === 'encoded' && prompt.path !== 'text-chunks';
    this.#sequences = prompt.kind === 'encoded' ? prompt.sequences : [];
    this.#usesHistory = pool.profile.scorers.some(({ scorer }) => scorer.type === 'prefix-cache-scorer');
    this.#blockSizes = pool.index.blockSizes();
    this.#weightOf = slowMediaWeight(pool);
  }

  /** An endpoint as scheduling sees it. */
  candidate(state: EndpointState): Candidate {
    const { endpoint, load } = state;
    const holder = this.#pool.holderOf(endpoint.id);
    const trust = this.#trustOf(state);
    let known = 0;
    let precise = 0;
    let approximate = 0;
    let speculative = 0;
    if (holder !== undefined && this.#readsCache) {
      const views = this.#viewsOf(state);
      if (this.#isTokens) {
        precise = views.precise.tokensOf(holder);
        speculative = views.speculative.tokensOf(holder);
        known = trust.trust === 'fallback' ? speculative : Math.max(speculative, precise);
      }
      if (this.#usesHistory || trust.trust !== 'exact') approximate = views.approximate.tokensOf(holder);
    }
    const guessed = guessedTokens(trust, approximate);
    const candidate: Candidate = {
      endpoint,
      load,
      work: this.#pool.inFlight.work(endpoint.id),
      trust: trust.trust,
      cachedTokens: Math.max(known, guessed),
      preciseCachedTokens: precise,
      approximateCachedTokens: approximate,
    };
    if (this.#weightOf === null || holder === undefined || precise === 0) return candidate;
    // A request in flight brings the blocks it reads to the fastest medium, so what it promises counts in full.
    const weighted = this.#viewsOf(state).weighted(this.#weightOf).tokensOf(holder);
    const relied = trust.trust === 'fallback' ? 0 : weighted;
    return {
      ...candidate,
      weighted: { cachedTokens: Math.max(speculative, relied, guessed), preciseCachedTokens: weighted },
    };
  }

  /** What a booking needs of the endpoint that was picked; null where it has gone. */
  picked(state: EndpointState, candidate: Candidate): PickedEndpoint | null {
    const holder = this.#pool.holderOf(state.endpoint.id);
    if (holder === undefined) return null;
    const views = this.#viewsOf(state);
    const isRead = this.#readsCache;
    return {
      candidate,
      holder,
      keys: views.keyed.map(({ keys }) => keys),
      heldBlocks: views.precise.blocksOf(holder),
      view: isRead ? this.#viewOf(state, candidate) : 'precise',
      isPredictable:
        !isRead ||
        (this.#isTokens && !views.precise.reachesUnknown(holder) && !views.speculative.reachesUnknown(holder)),
    };
  }

  #viewOf(state: EndpointState, { approximateCachedTokens }: Candidate): 'precise' | 'approximate' {
    const trust = this.#trustOf(state);
    if (trust.trust !== 'degraded') return trust.trust === 'exact' ? 'precise' : 'approximate';
    const holder = this.#pool.holderOf(state.endpoint.id);
    const views = this.#viewsOf(state);
    const known =
      holder === undefined ? 0 : Math.max(views.precise.tokensOf(holder), views.speculative.tokensOf(holder));
    return guessedTokens(trust, approximateCachedTokens) > known ? 'approximate' : 'precise';
  }

  #trustOf(state: EndpointState): EndpointTrust {
    return this.#isTokens ? this.#pool.trustOf(state.endpoint.id) : noTrust;
  }

  #viewsOf(state: EndpointState): PromptViews {
    const blockSize = blockSizeOf(state, this.#blockSizes);
    if (this.#lastViews !== null && this.#lastBlockSize === blockSize) return this.#lastViews;
    const views = this.#byBlockSize.get(blockSize) ?? new PromptViews(this.#pool, this.#sequences, blockSize);
    this.#byBlockSize.set(blockSize, views);
    this.#lastBlockSize = blockSize;
    this.#lastViews = views;
    return views;
  }
}
