import type { Endpoint } from '../core/index.ts';

/** What a topic says of its publisher: host with or without port, or a pod's name, and the model. */
export interface TopicParts {
  readonly publisher: string;
  readonly model: string;
}

/**
 * Reads `kv@ip:port@model`, `kv@ip@model` or `kv@pod@model`; null for any other topic. Source: llm-d-router,
 * pkg/kvevents/engineadapter/common.go, and KServe's samples.
 */
export const parseTopic = (topic: string): TopicParts | null => {
  const [, publisher, model] = /^kv@([^@]+)@(.+)$/.exec(topic) ?? [];
  return publisher === undefined || model === undefined ? null : { publisher, model };
};

const hostOf = (address: string): string => address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

/**
 * The endpoints a topic may stand for: those at exactly its address, else those on its host, else those of its name. More
 * than one where an address serves several ranks, or where the topic has no port and the host several endpoints.
 */
export const endpointsOfTopic = (topic: string, endpoints: readonly Endpoint[]): readonly Endpoint[] => {
  const parts = parseTopic(topic);
  if (parts === null) return [];
  const { publisher } = parts;
  const exact = endpoints.filter((endpoint) => endpoint.address === publisher);
  if (exact.length > 0) return exact;
  const onHost = endpoints.filter((endpoint) => hostOf(endpoint.address) === publisher.replace(/^\[(.*)\]$/, '$1'));
  return onHost.length > 0 ? onHost : endpoints.filter((endpoint) => endpoint.name === publisher);
};
