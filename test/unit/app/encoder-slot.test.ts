import { describe, expect, it } from '@jest/globals';
import { createEncoderSlot } from '../../../sidecar/app/encoder-slot.ts';
import { SidecarError } from '../../../sidecar/core/index.ts';
import type { PromptEncoder, TokenizerSource } from '../../../sidecar/prompt/index.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createRecordingLogger } from '../../support/recording-logger.ts';

const files: TokenizerSource = {
  folder: '/cache/qwen',
  origin: 'hub',
  detail: 'hub: /cache/qwen',
  isWorthRetrying: false,
};
const away: TokenizerSource = {
  folder: null,
  origin: null,
  detail: 'hub: the hub answered 503',
  isWorthRetrying: true,
};
const refused: TokenizerSource = { ...away, detail: 'hub: the hub asks for a token', isWorthRetrying: false };

const encoderOf = (folder: string | null): PromptEncoder => ({
  path: folder === null ? 'remote' : 'exact',
  pathReason: folder === null ? 'no tokenizer files' : null,
  encode: () => ({ kind: 'unknown', why: 'a test encodes nothing' }),
});

/** A slot whose files are found as `answers` say, one after the other; the last one stays. */
const setUp = (...answers: readonly (TokenizerSource | Promise<TokenizerSource>)[]) => {
  const clock = createFakeClock();
  const { logger, lines } = createRecordingLogger();
  const asked: { readonly tokenizer: string | null; readonly atMs: number }[] = [];
  const created: (string | null)[] = [];
  const slot = createEncoderSlot({
    resolve: async (tokenizer) => {
      asked.push({ tokenizer, atMs: clock.now() });
      return answers[Math.min(asked.length, answers.length) - 1] ?? files;
    },
    create: async (folder) => {
      created.push(folder);
      if (folder === '/broken') throw new SidecarError('tokenizer-unavailable', 'not JSON');
      return encoderOf(folder);
    },
    clock,
    random: () => 1,
    logger,
  });
  const messages = () => lines.map(({ level, message }) => `${level} ${message}`);
  return { clock, slot, asked, created, messages };
};

describe('the tokenizer of a pool', () => {
  it('is loaded once its files are found, and says where they were', async () => {
    const { clock, slot, messages } = setUp(files);
    expect(slot.encoder()).toBeNull();
    slot.update('Qwen/Qwen2.5');
    expect(slot.state()).toEqual({ isSettled: false, detail: 'loading Qwen/Qwen2.5' });
    await clock.advance(0);
    expect(slot.encoder()?.path).toBe('exact');
    expect(slot.state()).toEqual({ isSettled: true, detail: 'exact (hub: /cache/qwen)' });
    expect(messages()).toEqual(['info tokenizer files found', 'info tokenizer loaded']);
    expect(clock.pending).toBe(0);
  });

  it('is looked for again with growing pauses while the hub is away; meanwhile what does without files serves', async () => {
    const { clock, slot, asked, created } = setUp(away);
    slot.update('Qwen/Qwen2.5');
    await clock.advance(0);
    expect(slot.encoder()?.path).toBe('remote');
    expect(slot.state()).toEqual({
      isSettled: true,
      detail: 'remote: no tokenizer files (hub: the hub answered 503); tries: 1, next in 5 s',
    });
    await clock.advance(80_000);
    expect(asked.map(({ atMs }) => atMs / 1000)).toEqual([0, 5, 15, 35, 75]);
    expect(created).toEqual([null]);
    await clock.advance(3_600_000);
    const pauses = asked.map(({ atMs }, index) => atMs - (asked[index - 1]?.atMs ?? 0));
    expect(Math.max(...pauses)).toBe(300_000);
  });

  it('takes the place of what did without once the hub is back', async () => {
    const { clock, slot, created, messages } = setUp(away, away, files);
    slot.update('Qwen/Qwen2.5');
    await clock.advance(15_000);
    expect(created).toEqual([null, '/cache/qwen']);
    expect(slot.encoder()?.path).toBe('exact');
    expect(slot.state().detail).toBe('exact (hub: /cache/qwen)');
    expect(messages()).toEqual([
      'warn no tokenizer files, the engines are asked',
      'warn tokenizer loaded',
      'info tokenizer files found',
      'info tokenizer loaded',
    ]);
    expect(clock.pending).toBe(0);
  });

  it('logs a failure again only where it is another one', async () => {
    const { clock, slot, messages } = setUp(away, away, { ...away, detail: 'hub: it took too long' }, refused);
    slot.update('Qwen/Qwen2.5');
    await clock.advance(60_000);
    expect(messages().filter((text) => text.includes('no tokenizer files'))).toHaveLength(3);
  });

  it('is not looked for again where the hub refuses it', async () => {
    const { clock, slot, asked } = setUp(refused);
    slot.update('Qwen/Qwen2.5');
    await clock.advance(600_000);
    expect(asked).toHaveLength(1);
    expect(slot.state().detail).toBe('remote: no tokenizer files (hub: the hub asks for a token)');
  });

  it('does not keep the pool waiting for a slow download', async () => {
    const download = Promise.withResolvers<TokenizerSource>();
    const { clock, slot, created } = setUp(download.promise);
    slot.update('Qwen/Qwen2.5');
    await clock.advance(9_999);
    expect(slot.state().isSettled).toBe(false);
    await clock.advance(1);
    expect(slot.encoder()?.path).toBe('remote');
    expect(slot.state()).toEqual({
      isSettled: true,
      detail: 'remote: no tokenizer files (files are still being looked for)',
    });
    download.resolve(files);
    await clock.advance(0);
    expect(slot.encoder()?.path).toBe('exact');
    expect(created).toEqual([null, '/cache/qwen']);
  });

  it('is looked for no more after another is named, nor after the end', async () => {
    const { clock, slot, asked } = setUp(away);
    slot.update('Qwen/Qwen2.5');
    await clock.advance(0);
    slot.update('/models/other');
    slot.update('/models/other');
    await clock.advance(5_000);
    expect(asked.map(({ tokenizer }) => tokenizer)).toEqual(['Qwen/Qwen2.5', '/models/other', '/models/other']);
    slot.stop();
    await clock.advance(600_000);
    expect(asked).toHaveLength(3);
    expect(slot.encoder()?.path).toBe('remote');
  });

  it('settles without an encoder where files cannot be read', async () => {
    const { clock, slot, messages } = setUp({ ...files, folder: '/broken' });
    slot.update('/broken');
    await clock.advance(0);
    expect(slot.encoder()).toBeNull();
    expect(slot.state()).toEqual({ isSettled: true, detail: expect.stringContaining('not JSON') });
    expect(messages()).toEqual(['info tokenizer files found', 'warn tokenizer could not be loaded']);
  });
});
