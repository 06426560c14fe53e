import type { IncomingHttpHeaders } from 'node:http';

// RFC 9110, section 7.6.1, and the older ones of RFC 2616 that are still sent.
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Names that `connection` lists as its own; never those without which the message means something else. */
const namedHops = (connection: string): ReadonlySet<string> => {
  const names = connection.split(',').map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => name !== 'content-length' && name !== 'host'));
};

/**
 * The headers without those that speak of one connection only, including those that `connection` names. A new object:
 * one from which properties were deleted is slow in everything that follows.
 */
export const endToEndHeaders = (headers: IncomingHttpHeaders): IncomingHttpHeaders => {
  const { connection } = headers;
  const isPlain = connection === undefined || connection === 'keep-alive' || connection === 'close';
  const named = isPlain ? hopByHop : namedHops(connection);
  const kept: IncomingHttpHeaders = {};
  for (const name in headers) if (!hopByHop.has(name) && !named.has(name)) kept[name] = headers[name];
  return kept;
};
