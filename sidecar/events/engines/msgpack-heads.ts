/** What the next msgpack value is, by its family. `other` covers extension types and the unused head byte. */
export type MsgpackKind = 'nil' | 'boolean' | 'integer' | 'float' | 'text' | 'bytes' | 'array' | 'map' | 'other';

/** The family of the value that a head byte begins. */
export const kindOfHead = (head: number): MsgpackKind => {
  if (head < 0x80 || head >= 0xe0 || (head >= 0xcc && head <= 0xd3)) return 'integer';
  if (head < 0x90 || head === 0xde || head === 0xdf) return 'map';
  if (head < 0xa0 || head === 0xdc || head === 0xdd) return 'array';
  if (head < 0xc0 || (head >= 0xd9 && head <= 0xdb)) return 'text';
  if (head === 0xc0) return 'nil';
  if (head === 0xc2 || head === 0xc3) return 'boolean';
  if (head >= 0xc4 && head <= 0xc6) return 'bytes';
  return head === 0xca || head === 0xcb ? 'float' : 'other';
};

/**
 * Bytes of a whole value, head included, by its head byte, where these are the same for all values with that head; 0 for
 * arrays, maps, longer text, byte strings, extensions of free length and the head that is not valid.
 */
export const fixedBytes: Uint8Array = Uint8Array.from({ length: 256 }, (_, head) => {
  if (head < 0x80 || head >= 0xe0) return 1;
  if (head >= 0xa0 && head < 0xc0) return 1 + (head & 31);
  switch (head) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return 1;
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return 2;
    case 0xcd: // uint 16
    case 0xd1: // int 16
    case 0xd4: // fixext 1
      return 3;
    case 0xd5: // fixext 2
      return 4;
    case 0xca: // float 32
    case 0xce: // uint 32
    case 0xd2: // int 32
      return 5;
    case 0xd6: // fixext 4
      return 6;
    case 0xcb: // float 64
    case 0xcf: // uint 64
    case 0xd3: // int 64
      return 9;
    case 0xd7: // fixext 8
      return 10;
    case 0xd8: // fixext 16
      return 18;
    default:
      return 0;
  }
});
