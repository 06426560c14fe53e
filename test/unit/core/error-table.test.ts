import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type ErrorMeaning, errorTable } from '../../../sidecar/core/index.ts';

const unquoted = (cell: string): string => cell.trim().replace(/^`|`$/g, '');

const documented = (): Readonly<Record<string, ErrorMeaning | Record<string, unknown>>> => {
  const rows = readFileSync('docs/ERRORS.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  return Object.fromEntries(
    rows.map((row) => {
      const [code = '', http, grpc, retryable, dropReason, level, meaning] = row.split('|').slice(1, -1).map(unquoted);
      return [
        code,
        {
          httpStatus: Number(http),
          grpcStatus: Number(grpc),
          retryable: retryable === 'yes',
          dropReason: dropReason === '' ? null : dropReason,
          level,
          meaning,
        },
      ];
    }),
  );
};

describe('error table', () => {
  it('says what docs/ERRORS.md says, neither more nor less', () => {
    expect(documented()).toEqual(errorTable);
  });

  it('has statuses that HTTP and gRPC know', () => {
    for (const { httpStatus, grpcStatus } of Object.values(errorTable)) {
      expect(httpStatus).toBeGreaterThanOrEqual(400);
      expect(httpStatus).toBeLessThan(600);
      expect(grpcStatus).toBeGreaterThanOrEqual(1);
      expect(grpcStatus).toBeLessThanOrEqual(16);
    }
  });

  it('lets a refused request be tried again', () => {
    for (const [code, { dropReason, retryable }] of Object.entries(errorTable)) {
      expect([code, dropReason === null || retryable]).toEqual([code, true]);
    }
  });
});
