import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { originalRequest } from '../../../../sidecar/gateway/consult/original-request.ts';

const consult = (method: string, url: string, headers: Record<string, string> = {}): IncomingMessage => {
  const request = new IncomingMessage(new Socket());
  return Object.assign(request, { method, url, headers });
};

describe('originalRequest', () => {
  it.each([
    ['Traefik and Caddy', { 'x-forwarded-uri': '/v1/completions?a=1', 'x-forwarded-method': 'POST' }],
    ['nginx', { 'x-original-uri': '/v1/completions?a=1', 'x-original-method': 'POST' }],
    ['nginx with a whole URL', { 'x-original-uri': 'http://h:8/v1/completions?a=1', 'x-original-method': 'POST' }],
  ])('finds the request in the headers of %s', (_name, headers) => {
    expect(originalRequest(consult('GET', '/auth', headers), '')).toEqual({
      method: 'POST',
      path: '/v1/completions?a=1',
      isBodyCut: false,
    });
  });

  it.each([
    ['/extauthz/v1/chat/completions', '/extauthz', '/v1/chat/completions'],
    ['/extauthz', '/extauthz', null],
    ['/v1/models', '/extauthz', '/v1/models'],
    ['/v1/models', '', '/v1/models'],
    ['/', '', null],
    ['http://host/v1/models', '', '/v1/models'],
  ])('reads the path of %s with prefix "%s" as %s', (url, prefix, path) => {
    expect(originalRequest(consult('POST', url), prefix).path).toBe(path);
  });

  it("believes Envoy's word that the body is cut", () => {
    const request = consult('POST', '/v1/models', { 'x-envoy-auth-partial-body': 'true' });
    expect(originalRequest(request, '').isBodyCut).toBe(true);
  });
});
