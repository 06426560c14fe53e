import { postJson } from '../../support/http.ts';

import type { TrafficRequest } from './chat-traffic.ts';

/** A streamed answer that has begun. */
export interface StreamedAnswer {
  readonly request: TrafficRequest;
  readonly endpoint: string;
  /** Reads to the end: `whole` where the stream said that it is done, else `broken`. */
  readonly outcome: Promise<'whole' | 'broken'>;
}

/** Has a request answered as a stream of `maxTokens` tokens, and returns once its first bytes are here. */
export const beginStream = async (
  proxyUrl: string,
  { request, maxTokens }: { readonly request: TrafficRequest; readonly maxTokens: number },
): Promise<StreamedAnswer> => {
  const body = { ...request.body, max_tokens: maxTokens, ignore_eos: true, stream: true };
  const response = await postJson(`${proxyUrl}${request.path}`, body);
  const reader = response.body?.getReader();
  if (reader === undefined || response.status !== 200) throw new Error(`no stream: ${response.status}`);
  const decoder = new TextDecoder();
  const first = await reader.read();
  const readOn = async (): Promise<'whole' | 'broken'> => {
    let text = decoder.decode(first.value, { stream: true });
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        text = (text + decoder.decode(part.value, { stream: true })).slice(-200);
      }
    } catch {
      return 'broken';
    }
    return text.includes('data: [DONE]') ? 'whole' : 'broken';
  };
  return { request, endpoint: response.headers.get('x-warmroute-endpoint') ?? '', outcome: readOn() };
};
