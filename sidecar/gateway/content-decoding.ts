import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, inflate, inflateRaw } from 'node:zlib';

/** Bounds of decompression for routing. */
export interface DecodingBounds {
  /** Compressed bodies longer than this are not decoded. */
  readonly encodedLimitBytes: number;
  /** Bytes of decoded text at which decoding is given up. */
  readonly decodedLimitBytes: number;
  /** False for a cut-off body, of which as much as can be is decoded. */
  readonly isComplete: boolean;
}

const decoders = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  rawDeflate: promisify(inflateRaw),
  br: promisify(brotliDecompress),
};

// RFC 9110 says zlib format (low nibble of the first byte: method 8), but some clients send raw deflate.
const decoderOf = (coding: string, body: Uint8Array): keyof typeof decoders | null => {
  if (coding === 'gzip' || coding === 'x-gzip') return 'gzip';
  if (coding === 'deflate') return ((body[0] ?? 0) & 0x0f) === 8 ? 'deflate' : 'rawDeflate';
  return coding === 'br' ? 'br' : null;
};

/**
 * The body as text bytes where `content-encoding` names gzip, deflate or br; the body itself where there is no coding.
 * Null where it cannot or may not be decoded: unknown or several codings, damaged or too long data. Never throws.
 */
export const decodeBody = async (
  body: Uint8Array,
  contentEncoding: string | undefined,
  bounds: DecodingBounds,
): Promise<Uint8Array | null> => {
  const coding = contentEncoding?.trim().toLowerCase() ?? '';
  if (coding === '' || coding === 'identity') return body;
  const decoder = decoderOf(coding, body);
  if (decoder === null || body.length > bounds.encodedLimitBytes) return null;
  const maxOutputLength = bounds.decodedLimitBytes;
  const { Z_SYNC_FLUSH, Z_FINISH, BROTLI_OPERATION_FLUSH, BROTLI_OPERATION_FINISH } = constants;
  try {
    if (decoder === 'br') {
      const finishFlush = bounds.isComplete ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH;
      return await decoders.br(body, { maxOutputLength, finishFlush });
    }
    return await decoders[decoder](body, { maxOutputLength, finishFlush: bounds.isComplete ? Z_FINISH : Z_SYNC_FLUSH });
  } catch {
    return null;
  }
};
