import type { IncomingHttpHeaders } from 'node:http';

/** Header that names the picked `ip:port`, by the Endpoint Picker Protocol (gateway-api-inference-extension, proposal 004). */
export const destinationHeader = 'x-gateway-destination-endpoint';
/** Id to ask `explain` about. */
export const decisionHeader = 'x-warmroute-decision';
/** The endpoint that served. */
export const endpointHeader = 'x-warmroute-endpoint';
/** What decided. */
export const reasonHeader = 'x-warmroute-reason';
/** Tokens in the prompt. */
export const promptTokensHeader = 'x-warmroute-prompt-tokens';
/** Of them, tokens predicted to be in the pick's cache. */
export const cachedTokensHeader = 'x-warmroute-cached-tokens';

/** Whether only the sidecar may set a header; `name` in lower case. */
export const isOwnedHeader = (name: string): boolean =>
  name.startsWith('x-warmroute-') || name.startsWith(destinationHeader);

/** Takes owned names off a message's headers, so that neither side can speak in the sidecar's name. */
export const removeOwnedHeaders = (headers: IncomingHttpHeaders): void => {
  for (const name of Object.keys(headers)) if (isOwnedHeader(name)) delete headers[name];
};
