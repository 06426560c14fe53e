import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createLogger, type LoggingOptions } from '../../../sidecar/logging/index.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const createLogging = (options: Partial<LoggingOptions> = {}) => {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const logger = createLogger({ level: 'info', format: 'json', stream, clock: createFakeClock(), ...options });
  return { logger, lines, stream };
};

describe('logger', () => {
  it('writes one JSON object a line, in order', async () => {
    const { logger, lines } = createLogging();
    logger.info('pool ready', { pool: 'qwen', endpoints: 2, models: ['a'], missing: null });
    logger.error('broken');
    await logger.close();
    expect(lines).toEqual([
      '{"at":"2026-01-01T00:00:00.000Z","level":"info","message":"pool ready","pool":"qwen","endpoints":2,"models":["a"],"missing":null}\n',
      '{"at":"2026-01-01T00:00:00.000Z","level":"error","message":"broken"}\n',
    ]);
  });

  it.each([
    ['error', 1],
    ['warn', 2],
    ['info', 3],
    ['debug', 4],
  ] as const)('at level %s writes %d of the four levels', async (level, count) => {
    const { logger, lines } = createLogging({ level });
    logger.debug('d');
    logger.info('i');
    logger.warn('w');
    logger.error('e');
    await logger.close();
    expect(lines).toHaveLength(count);
  });

  it('adds the fields of a child to each of its lines, the nearest winning', async () => {
    const { logger, lines } = createLogging();
    logger.child({ room: 'events', endpoint: 'a' }).child({ endpoint: 'b' }).info('gap', { sequence: 4 });
    logger.info('other');
    await logger.close();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { room: 'events', endpoint: 'b', sequence: 4 },
      { message: 'other' },
    ]);
    expect(lines[1]).not.toContain('room');
  });

  it.each([
    'authorization',
    'apiKey',
    'api_key',
    'hf_token_secret',
    'Set-Cookie',
    'prompt',
    'messages',
    'tokenIds',
    'password',
  ])('takes out the value of %s, in a line and in a child', async (name) => {
    const { logger, lines } = createLogging();
    logger.info('request', { [name]: 'very private' });
    logger.child({ [name]: 'very private' }).info('request');
    await logger.close();
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(JSON.parse(line)[name]).toBe('[redacted]');
  });

  it.each(['promptTokens', 'cachedTokens', 'tokenizer', 'bodyBytes', 'limitBytes', 'code', 'endpoint'])(
    'leaves %s as it is',
    async (name) => {
      const { logger, lines } = createLogging();
      logger.info('request', { [name]: 'open' });
      await logger.close();
      expect(JSON.parse(lines[0] ?? '')[name]).toBe('open');
    },
  );

  it('lets no field change level, time or message', async () => {
    const { logger, lines } = createLogging();
    logger.info('real', { level: 'debug', message: 'forged', at: 'never', kept: 1 });
    await logger.close();
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      at: '2026-01-01T00:00:00.000Z',
      level: 'info',
      message: 'real',
      kept: 1,
    });
  });

  it('writes for people where asked', async () => {
    const { logger, lines } = createLogging({ format: 'pretty' });
    logger.warn('stream stale', { endpoint: 'a', why: 'no events', count: 2, none: undefined });
    logger.info('ready');
    await logger.close();
    expect(lines).toEqual([
      '00:00:00.000 warn  stream stale  endpoint=a why="no events" count=2\n',
      '00:00:00.000 info  ready\n',
    ]);
  });

  it('leaves the stream open when it is closed, and drops later lines', async () => {
    const { logger, lines, stream } = createLogging();
    await logger.close();
    logger.error('too late');
    expect(stream.writableEnded).toBe(false);
    expect(lines).toEqual([]);
  });
});
