import type { IncomingMessage } from 'node:http';

/** Value of one request header by its lower-case name; of several lines the first. */
export const headerReader =
  (request: IncomingMessage): ((name: string) => string | undefined) =>
  (name) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };

const absoluteForm = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/** Path with query of a request target, which clients may also send with scheme and host (RFC 9112, section 3.2.2). */
export const pathOf = (target: string): string => {
  if (target.startsWith('/')) return target;
  const path = target.replace(absoluteForm, '');
  return path.startsWith('/') ? path : `/${path}`;
};
