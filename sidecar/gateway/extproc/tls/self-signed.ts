import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { bitString, der, integer, objectId, octetString, sequence, setOf, time, utf8String } from './der.ts';
import type { TlsMaterial } from './tls-material.ts';

const dayMs = 86_400_000;
const validDays = 3_650;

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';
const commonName = '2.5.4.3';
const subjectAltName = '2.5.29.17';
const extendedKeyUsage = '2.5.29.37';
const serverAuthentication = '1.3.6.1.5.5.7.3.1';

/**
 * A fresh P-256 key with a certificate that it signed itself, for `localhost` (RFC 5280). It encrypts and proves nothing:
 * gateways that ask endpoint pickers over TLS do not verify them by default.
 */
export const createSelfSigned = (options: { readonly nowMs: number }): TlsMaterial => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const name = sequence(setOf(sequence(objectId(commonName), utf8String('warmroute'))));
  const algorithm = sequence(objectId(ecdsaWithSha256));
  const serial = randomBytes(16);
  serial[0] = (serial[0] ?? 0) | 0x40;
  const extension = (id: string, value: Buffer): Buffer => sequence(objectId(id), octetString(value));
  // Envoy and Go refuse certificates without a subject alternative name as soon as they verify anything.
  const extensions = sequence(
    extension(subjectAltName, sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))),
    extension(extendedKeyUsage, sequence(objectId(serverAuthentication))),
  );
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    name,
    // Clocks that are a day behind still take it.
    sequence(time(new Date(options.nowMs - dayMs)), time(new Date(options.nowMs + validDays * dayMs))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const certificate = sequence(body, algorithm, bitString(sign('sha256', body, privateKey)));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
};
