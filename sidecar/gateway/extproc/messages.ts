/**
 * Shapes of envoy.service.ext_proc.v3 messages as the loader of `proto/ext_proc.proto` gives and takes them: one field of
 * each `oneof` is set, absent fields are undefined or null.
 */

/** One header; Envoy sends `raw_value`, NGINX Gateway Fabric's shim sends `value`. */
export interface HeaderValue {
  readonly key: string;
  readonly value?: string;
  readonly raw_value?: Buffer;
}

/** A google.protobuf.Value as far as hints use it. */
export interface StructValue {
  readonly stringValue?: string;
  readonly listValue?: { readonly values?: readonly StructValue[] };
  readonly structValue?: Struct;
}

/** A google.protobuf.Struct. */
export interface Struct {
  readonly fields?: Readonly<Record<string, StructValue>>;
}

/** Header part of a request or response. */
export interface HttpHeaders {
  readonly headers?: { readonly headers?: readonly HeaderValue[] } | null;
  readonly end_of_stream?: boolean;
}

/** One piece of a body. */
export interface HttpBody {
  readonly body?: Buffer;
  readonly end_of_stream?: boolean;
}

/** What the data plane sends. */
export interface ProcessingRequest {
  readonly request_headers?: HttpHeaders | null;
  readonly response_headers?: HttpHeaders | null;
  readonly request_body?: HttpBody | null;
  readonly response_body?: HttpBody | null;
  readonly request_trailers?: object | null;
  readonly response_trailers?: object | null;
  readonly metadata_context?: { readonly filter_metadata?: Readonly<Record<string, Struct>> } | null;
  readonly protocol_config?: {
    readonly request_body_mode?: number;
    readonly response_body_mode?: number;
    readonly send_body_without_waiting_for_header_response?: boolean;
  } | null;
}

/** Headers to set (overwriting) and to remove. */
export interface HeaderMutation {
  readonly set_headers?: readonly { readonly header: HeaderValue; readonly append_action: number }[];
  readonly remove_headers?: readonly string[];
}

/** A reply to headers or body. */
export interface CommonResponse {
  readonly header_mutation?: HeaderMutation;
  readonly body_mutation?: {
    readonly streamed_response: { readonly body: Uint8Array; readonly end_of_stream: boolean };
  };
  readonly clear_route_cache?: boolean;
}

/** What the sidecar answers. */
export interface ProcessingResponse {
  readonly request_headers?: { readonly response?: CommonResponse };
  readonly response_headers?: { readonly response?: CommonResponse };
  readonly request_body?: { readonly response?: CommonResponse };
  readonly response_body?: { readonly response?: CommonResponse };
  readonly request_trailers?: object;
  readonly response_trailers?: object;
  readonly immediate_response?: {
    readonly status: { readonly code: number };
    readonly headers: HeaderMutation;
    readonly body: Buffer;
    readonly details: string;
  };
  readonly dynamic_metadata?: Struct;
}

/** ProcessingMode.BodySendMode. */
export const bodyModes = {
  none: 0,
  streamed: 1,
  buffered: 2,
  bufferedPartial: 3,
  fullDuplexStreamed: 4,
} as const;

const OVERWRITE_IF_EXISTS_OR_ADD = 2;

/** Sets headers, replacing what is there; names in lower case, values as bytes. */
export const setHeaders = (headers: Readonly<Record<string, string>>): NonNullable<HeaderMutation['set_headers']> =>
  Object.entries(headers).map(([key, value]) => ({
    header: { key, raw_value: Buffer.from(value) },
    append_action: OVERWRITE_IF_EXISTS_OR_ADD,
  }));

/** A header's text by its lower-case name; of several lines the first. */
export const readHeader = (headers: HttpHeaders | null | undefined, name: string): string | undefined => {
  const found = headers?.headers?.headers?.find(({ key }) => key === name);
  if (found === undefined) return undefined;
  return found.raw_value !== undefined && found.raw_value.length > 0 ? found.raw_value.toString('utf8') : found.value;
};
