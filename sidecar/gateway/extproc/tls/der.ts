/** Writes the few ASN.1 types of a certificate in DER (ITU-T X.690). */

const lengthOf = (bytes: number): readonly number[] => {
  if (bytes < 0x80) return [bytes];
  const hex = bytes.toString(16);
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return [0x80 | octets.length, ...octets];
};

/** One value of a tag with its contents in order. */
export const der = (tag: number, ...contents: readonly Uint8Array[]): Buffer => {
  const bytes = contents.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(bytes)]), ...contents]);
};

/** SEQUENCE. */
export const sequence = (...contents: readonly Uint8Array[]): Buffer => der(0x30, ...contents);

/** SET of one member. */
export const setOf = (member: Uint8Array): Buffer => der(0x31, member);

/** INTEGER that is not negative, from its bytes, big endian. */
export const integer = (bytes: Uint8Array): Buffer =>
  der(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);

/** BIT STRING without unused bits. */
export const bitString = (bytes: Uint8Array): Buffer => der(0x03, Buffer.from([0]), bytes);

/** OCTET STRING. */
export const octetString = (bytes: Uint8Array): Buffer => der(0x04, bytes);

/** UTF8String. */
export const utf8String = (text: string): Buffer => der(0x0c, Buffer.from(text));

/** OBJECT IDENTIFIER in dotted form. */
export const objectId = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    octets.push(...groups);
  }
  return der(0x06, Buffer.from(octets));
};

/** UTCTime to the second for years until 2049, GeneralizedTime after (RFC 5280, section 4.1.2.5). */
export const time = (at: Date): Buffer => {
  const digits = at.toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return at.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : der(0x18, Buffer.from(`${digits}Z`));
};
