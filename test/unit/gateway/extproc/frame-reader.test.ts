import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type FrameProblem, FrameReader } from '../../../../sidecar/gateway/extproc/grpc/frame-reader.ts';

const frame = (message: Uint8Array, flag = 0): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};

const read = (
  chunks: readonly Buffer[],
  maxMessageBytes = 1_000,
): { readonly messages: readonly Buffer[]; readonly problem: FrameProblem | null; readonly isWithin: boolean } => {
  const messages: Buffer[] = [];
  const reader = new FrameReader(maxMessageBytes);
  let problem: FrameProblem | null = null;
  for (const chunk of chunks) {
    problem ??= reader.push(chunk, (message) => void messages.push(Buffer.from(message)));
  }
  return { messages, problem, isWithin: reader.isWithinMessage };
};

const cut = (bytes: Buffer, sizes: readonly number[]): readonly Buffer[] => {
  const chunks: Buffer[] = [];
  let from = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(from, from + size));
    from += size;
  }
  chunks.push(bytes.subarray(from));
  return chunks;
};

describe('frame reader', () => {
  it('gives the same messages however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
        fc.array(fc.nat(12), { maxLength: 30 }),
        (sent, sizes) => {
          const { messages, problem, isWithin } = read(
            cut(Buffer.concat(sent.map((message) => frame(message))), sizes),
          );
          expect(messages).toEqual(sent.map((message) => Buffer.from(message)));
          expect([problem, isWithin]).toEqual([null, false]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('knows that a message is not whole', () => {
    expect(read([frame(Buffer.from('abc')).subarray(0, 7)])).toMatchObject({ messages: [], isWithin: true });
  });

  it('refuses a message above the limit by its announcement', () => {
    expect(read([Buffer.from([0, 0, 0, 3, 233])])).toMatchObject({ messages: [], problem: 'too-large' });
    expect(read([frame(Buffer.alloc(1_000))]).messages).toHaveLength(1);
  });

  it('refuses a compressed message, after those before it', () => {
    const chunks = [Buffer.concat([frame(Buffer.from('a')), frame(Buffer.from('b'), 1)])];
    expect(read(chunks)).toMatchObject({ messages: [Buffer.from('a')], problem: 'compressed' });
  });

  it('never throws on random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (chunks) => {
        read(chunks.map((chunk) => Buffer.from(chunk)));
      }),
      { numRuns: 2_000 },
    );
  });
});
