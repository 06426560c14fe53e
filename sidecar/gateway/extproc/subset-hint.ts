import type { ProcessingRequest, StructValue } from './messages.ts';

const namespace = 'envoy.lb.subset_hint';
const key = 'x-gateway-destination-endpoint-subset';

const partsOf = (value: StructValue): readonly string[] =>
  (value.listValue?.values ?? [value])
    .flatMap(({ stringValue }) => (stringValue ?? '').split(','))
    .map((part) => part.trim())
    .filter((part) => part !== '');

/**
 * Endpoints that the data plane allows, `ip:port` or bare `ip`; null where it says nothing, empty where it allows none.
 * Arrives as a list, or as one comma-separated string where a header-to-metadata filter made it (Endpoint Picker
 * Protocol, section on subsetting).
 */
export const readSubsetHint = (message: ProcessingRequest): readonly string[] | null => {
  const value = message.metadata_context?.filter_metadata?.[namespace]?.fields?.[key];
  return value === undefined ? null : partsOf(value);
};

/** `ip:port` that served, as the data plane reports it with the response headers; null where it does not. */
export const readServedEndpoint = (message: ProcessingRequest): string | null =>
  message.metadata_context?.filter_metadata?.['envoy.lb']?.fields?.['x-gateway-destination-endpoint-served']
    ?.stringValue ?? null;
