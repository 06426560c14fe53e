import { type ErrorCode, errorTable } from '../../core/index.ts';
import type { Decision, RoutedDecision } from '../../routing/index.ts';
import { decisionHeaders } from '../decision-headers.ts';
import { openAiError } from '../error-response.ts';
import { decisionHeader, destinationHeader, endpointHeader, isOwnedHeader } from '../owned-headers.ts';
import { type CommonResponse, type HttpHeaders, type ProcessingResponse, type Struct, setHeaders } from './messages.ts';

/** Largest piece of a body in one streamed reply; some Envoy builds cap a piece at 64 KiB. */
export const PIECE_BYTES = 62_000;

/** The pick as request headers and as dynamic metadata; both must be set and equal. */
export interface RoutedReply {
  readonly response: CommonResponse;
  readonly metadata: Struct;
}

/** Names that a client may not send, as far as it sent them. */
const ownedNames = (headers: HttpHeaders | null | undefined): readonly string[] =>
  (headers?.headers?.headers ?? [])
    .map(({ key }) => key)
    .filter((key) => isOwnedHeader(key) && key !== destinationHeader);

/** What a routed decision changes in the request. `picksList` names fallbacks too, comma-separated, in order. */
export const routedReply = (
  decision: RoutedDecision,
  options: { readonly requestHeaders: HttpHeaders | null; readonly picksList: boolean },
): RoutedReply => {
  const endpoints = [decision.endpoint, ...(options.picksList ? decision.fallbacks : [])];
  const destination = [...new Set(endpoints.map(({ address }) => address))].join(',');
  return {
    response: {
      header_mutation: {
        set_headers: setHeaders({
          [destinationHeader]: destination,
          [decisionHeader]: decision.id,
          ...(decision.rankHeader === null ? {} : { 'x-data-parallel-rank': String(decision.rankHeader) }),
        }),
        remove_headers: ownedNames(options.requestHeaders).filter((name) => name !== decisionHeader),
      },
      clear_route_cache: true,
    },
    metadata: {
      fields: { 'envoy.lb': { structValue: { fields: { [destinationHeader]: { stringValue: destination } } } } },
    },
  };
};

/** Headers on the answer to the client, as on the proxy's answers. */
export const servedReply = (decision: RoutedDecision, served: string | null): CommonResponse => ({
  header_mutation: {
    set_headers: setHeaders({ ...decisionHeaders(decision), [endpointHeader]: served ?? decision.endpoint.address }),
  },
});

/** An answer given in the engine's place: status of the error table, OpenAI-shaped body, drop reason. */
export const immediateReply = (
  code: ErrorCode,
  options: { readonly decision?: Exclude<Decision, RoutedDecision> } = {},
): ProcessingResponse => {
  const { httpStatus, dropReason } = errorTable[code];
  const { decision } = options;
  return {
    immediate_response: {
      status: { code: httpStatus },
      headers: {
        set_headers: setHeaders({
          'content-type': 'application/json',
          ...(dropReason === null ? {} : { 'x-llm-d-request-dropped-reason': dropReason }),
          ...(decision === undefined ? {} : { [decisionHeader]: decision.id }),
          ...(decision?.kind === 'refused' ? { 'retry-after': String(decision.retryAfterSeconds) } : {}),
        }),
      },
      body: Buffer.from(openAiError(code)),
      details: `warmroute_${code.replaceAll('-', '_')}`,
    },
  };
};

/** A body piece echoed unchanged, in replies of at most {@link PIECE_BYTES}; an empty end of stream is one reply. */
export const echoPieces = (
  body: Uint8Array,
  isEnd: boolean,
): readonly { readonly streamed_response: { readonly body: Uint8Array; readonly end_of_stream: boolean } }[] => {
  if (body.length <= PIECE_BYTES) return [{ streamed_response: { body, end_of_stream: isEnd } }];
  const pieces = [];
  for (let from = 0; from < body.length; from += PIECE_BYTES) {
    const to = Math.min(body.length, from + PIECE_BYTES);
    pieces.push({ streamed_response: { body: body.subarray(from, to), end_of_stream: isEnd && to === body.length } });
  }
  return pieces;
};
