import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeBody } from '../../../sidecar/gateway/content-decoding.ts';

const text = Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello '.repeat(400) }] }));
const bounds = { encodedLimitBytes: 10_000, decodedLimitBytes: 10_000, isComplete: true };

describe('decodeBody', () => {
  it.each([
    ['gzip', gzipSync(text)],
    ['X-GZip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', text],
    [undefined, text],
  ])('decodes %s', async (coding, body) => {
    expect(await decodeBody(body, coding, bounds)).toEqual(text);
  });

  it.each([
    ['an unknown coding', 'zstd', text],
    ['several codings', 'gzip, br', gzipSync(text)],
    ['data that is not what it says', 'gzip', text],
    ['data that is too long decoded', 'gzip', gzipSync(Buffer.alloc(10_001))],
    ['data that is too long encoded', 'gzip', Buffer.alloc(10_001)],
  ])('gives up on %s', async (_name, coding, body) => {
    expect(await decodeBody(body, coding, bounds)).toBeNull();
  });

  it.each([
    ['gzip', gzipSync(text)],
    ['br', brotliCompressSync(text)],
  ])('decodes the beginning of cut-off %s', async (coding, body) => {
    const decoded = await decodeBody(body.subarray(0, -10), coding, { ...bounds, isComplete: false });
    expect(decoded).not.toBeNull();
    expect(text.subarray(0, decoded?.length)).toEqual(Buffer.from(decoded ?? []));
  });

  it('takes any bytes without a throw', async () => {
    const coding = fc.constantFrom('gzip', 'deflate', 'br', '', '\u0000');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), coding, fc.boolean(), async (bytes, name, isComplete) => {
        await decodeBody(bytes, name, { ...bounds, isComplete });
      }),
      { numRuns: 200 },
    );
  });
});
