import { type Endpoint, type ErrorCode, errorTable } from '../../../core/index.ts';
import type { Decision, RoutedDecision } from '../../../routing/index.ts';
import { decisionHeaders } from '../../decision-headers.ts';
import { openAiError } from '../../error-response.ts';
import { decisionHeader, destinationHeader } from '../../owned-headers.ts';
import type { ExchangeWire } from './exchange-wire.ts';
import type { HeaderList } from './header-list.ts';
import type { HeaderChange, PickChange, ProcessorReply } from './messages.ts';

/** Largest piece of a body in one reply; some Envoy builds cap a piece at 64 KiB. */
const pieceBytes = 62_000;

/** What a routed decision changes in the request; with `picksList` fallbacks follow the pick, comma-separated, in order. */
export const pickChange = (
  decision: RoutedDecision,
  headers: HeaderList,
  { picksList }: { readonly picksList: boolean },
): PickChange => {
  const addresses = (endpoints: readonly Endpoint[]): string =>
    [...new Set(endpoints.map(({ address }) => address))].join(',');
  const destination = picksList ? addresses([decision.endpoint, ...decision.fallbacks]) : decision.endpoint.address;
  const { rankHeader } = decision;
  return {
    destination,
    set:
      rankHeader === null
        ? { [destinationHeader]: destination }
        : { [destinationHeader]: destination, 'x-data-parallel-rank': String(rankHeader) },
    remove: headers.ownedNames().filter((name) => name !== destinationHeader),
  };
};

/** Headers on the answer to the client: what was decided. Takes off what only the sidecar may say. */
export const answerChange = (decision: RoutedDecision, headers: HeaderList): HeaderChange => {
  const set = decisionHeaders(decision);
  return { set, remove: headers.ownedNames().filter((name) => set[name] === undefined) };
};

/** An answer in the engine's place: status and drop reason of the error table, OpenAI-shaped body. */
export const immediateReply = (code: ErrorCode, decision?: Exclude<Decision, RoutedDecision>): ProcessorReply => {
  const { httpStatus, dropReason } = errorTable[code];
  return {
    kind: 'immediate',
    httpStatus,
    headers: {
      'content-type': 'application/json',
      ...(dropReason === null ? {} : { 'x-llm-d-request-dropped-reason': dropReason }),
      ...(decision === undefined ? {} : { [decisionHeader]: decision.id }),
      ...(decision?.kind === 'refused' ? { 'retry-after': String(decision.retryAfterSeconds) } : {}),
    },
    body: openAiError(code),
    details: `warmroute_${code.replaceAll('-', '_')}`,
  };
};

/**
 * Sends a body's bytes on unchanged, in pieces that any data plane takes. `isEnd`: the last of them ends the body. `onSent`
 * is called when all have left.
 */
export const sendPieces = (
  part: 'request-body' | 'response-body',
  body: { readonly bytes: Uint8Array; readonly isEnd: boolean; readonly onSent?: (() => void) | undefined },
  wire: ExchangeWire,
): void => {
  const { bytes, isEnd, onSent } = body;
  let from = 0;
  do {
    const to = Math.min(bytes.length, from + pieceBytes);
    const isLast = to === bytes.length;
    const piece = isLast && from === 0 ? bytes : bytes.subarray(from, to);
    wire.send({ kind: 'piece', part, bytes: piece, isEnd: isEnd && isLast }, isLast ? onSent : undefined);
    from = to;
  } while (from < bytes.length);
};
