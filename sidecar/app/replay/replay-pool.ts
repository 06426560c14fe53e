import { type Clock, type Random, SidecarError, silentMetrics } from '../../core/index.ts';
import { createPrefixIndex, createRoutingHistory } from '../../kvindex/index.ts';
import { createInferredLedger, createLedger, createWorkTally } from '../../pool/index.ts';
import type { EncodedPrompt, ParsedRequest } from '../../prompt/index.ts';
import {
  createDecisionLog,
  createDirector,
  createInFlight,
  type RoutedDecision,
  type RoutedPool,
  type RouteRequest,
} from '../../routing/index.ts';
import type { Profile } from '../../scheduling/index.ts';
import { createReplayFleet, type FleetMember, type ReplayWorld, replayPoolName } from './replay-fleet.ts';

/** Where a replayed request went. */
export interface ReplayedDecision {
  readonly decision: RoutedDecision;
  readonly member: FleetMember;
}

/** One pool of timed engines behind the product's own director, index and ledgers. */
export interface ReplayPool {
  /** Decides on a prompt and books the decision. */
  route(promptTokenIds: Int32Array): ReplayedDecision;
  /** Whether a prompt and its output fit an engine's cache. */
  fits(tokens: number): boolean;
}

// Prompts of a trace have no bytes: every request looks the same until its tokens are asked for.
const routeRequest: RouteRequest = {
  method: 'POST',
  path: '/v1/completions',
  header: () => undefined,
  body: new Uint8Array(1),
  isBodyComplete: true,
  subset: null,
  excluded: null,
  observesResponse: true,
};
const parsedRequest: ParsedRequest = {
  api: 'completions',
  model: null,
  isStreaming: true,
  sessionId: null,
  readsCache: true,
  tokenIdsMember: null,
  unreadable: null,
  bodyBytes: 1,
};
const identity = { loraName: null, salt: null, multimodal: [] };

/** Creates the pool; `clock` drives its engines, events and scrapes. */
export const createReplayPool = (
  profile: Profile,
  { clock, random, world }: { readonly clock: Clock; readonly random: Random; readonly world: ReplayWorld },
): ReplayPool => {
  const index = createPrefixIndex({ random });
  const history = createRoutingHistory({ maxBlocksPerHolder: Math.ceil(world.cacheTokens / world.blockSize) });
  const common = { clock, pool: replayPoolName, metrics: silentMetrics, tally: createWorkTally() };
  const ledger = createLedger(common);
  const inferredLedger = createInferredLedger({ ...common, seesEvents: () => true });
  const inFlight = createInFlight({ index, ledger, inferredLedger, clock });
  const fleet = createReplayFleet({ clock, world, index, onApplied: inFlight.markApplied });

  let prompt: Int32Array = new Int32Array(0);
  const encode = (): EncodedPrompt => ({
    kind: 'encoded',
    path: 'exact',
    sequences: [{ tokenIds: prompt, identity, isWhole: true }],
  });
  const pool: RoutedPool = {
    name: replayPoolName,
    models: null,
    profile,
    index,
    history,
    inFlight,
    snapshot: fleet.snapshot,
    encoder: () => ({ path: 'exact', pathReason: null, encode }),
    holderOf: (id) => fleet.member(id)?.holder,
    trustOf: () => ({ trust: 'exact', missingShare: 0 }),
    reportConnection: () => {},
    reportComputed: () => {},
    expectClear: () => () => {},
  };
  const director = createDirector({
    directory: { pools: () => [pool] },
    log: createDecisionLog(0),
    clock,
    random,
    metrics: silentMetrics,
    sessionProfile: profile,
    reader: { readInSlices: () => parsedRequest },
  });
  return {
    route: (promptTokenIds) => {
      prompt = promptTokenIds;
      const decision = director.route(routeRequest);
      if ('kind' in decision && decision.kind === 'routed') {
        const member = fleet.member(decision.endpoint.id);
        if (member !== undefined) return { decision, member };
      }
      throw new SidecarError('internal', 'a replayed request was not routed at once');
    },
    fits: (tokens) => fleet.members.every(({ engine }) => engine.fits(tokens)),
  };
};
