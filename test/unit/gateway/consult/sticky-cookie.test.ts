import { describe, expect, it } from '@jest/globals';
import { createStickyCookie } from '../../../../sidecar/gateway/consult/sticky-cookie.ts';
import { createConsultGateway } from '../../../../sidecar/gateway/index.ts';
import { createFakeRouter, endpointAt } from '../../../support/fake-router.ts';
import { openRaw, rawHeader } from '../../../support/raw-http.ts';
import { quietGatewayOptions, started } from '../../../support/started-gateway.ts';

// `printf http://127.0.0.1:8001 | sha256sum`
const hash = 'd412c05c8726a922';

describe('sticky cookie', () => {
  it.each([
    [undefined, `pick=${hash}`],
    ['', `pick=${hash}`],
    ['a=1; b="x=y"', `a=1; b="x=y"; pick=${hash}`],
    ['pick=spoofed;a=1 ;pick=again', `a=1; pick=${hash}`],
    ['picked=1; Pick=2; flag', `picked=1; Pick=2; flag; pick=${hash}`],
  ])('is laid over the client’s cookies %j', (cookies, expected) => {
    const cookieFor = createStickyCookie('pick');
    expect(cookieFor(cookies, '127.0.0.1:8001')).toBe(expected);
    expect(cookieFor(cookies, '127.0.0.1:8001')).toBe(expected);
  });

  it('is on answers only where a name is configured', async () => {
    const router = createFakeRouter([endpointAt('127.0.0.1:8001')]);
    await using sticky = await started(createConsultGateway({ ...quietGatewayOptions, router, stickyCookie: 'pick' }));
    await using plain = await started(createConsultGateway({ ...quietGatewayOptions, router }));
    const cookieFrom = async (address: string): Promise<string | undefined> => {
      await using client = await openRaw(address);
      client.write('GET / HTTP/1.1\r\nhost: a\r\ncookie: a=1\r\n\r\n');
      return rawHeader(await client.until('\r\n\r\n'), 'cookie');
    };
    expect(await cookieFrom(sticky.address)).toBe(`a=1; pick=${hash}`);
    expect(await cookieFrom(plain.address)).toBeUndefined();
  });
});
