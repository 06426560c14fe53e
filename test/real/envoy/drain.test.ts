import { describe, expect, it } from '@jest/globals';
import { answerLater } from '../../support/scripted-engine.ts';
import { startBehindEnvoy } from './behind-envoy.ts';
import { envoyExecutable } from './envoy-server.ts';

const executable = envoyExecutable('1.40.0') ?? '';
const describeReal = executable === '' ? describe.skip : describe;

describeReal('a sidecar that drains behind Envoy', () => {
  it('lets answers that last longer than its deadline go on without it, unharmed', async () => {
    await using behind = await startBehindEnvoy(executable, { manifest: 'extproc-override-host', answer: answerLater });
    const asked = behind.picked.next();
    const answered = fetch(`${behind.envoy.url}/v1/completions`, { method: 'POST', body: '{"stream":true}' });
    const { response } = await asked;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
    const answer = await answered;
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe('data: 1\n\n');
    const stopped = behind.edge.gateway.stop(50);
    response.write('data: 2\n\n');
    expect((await reader?.read())?.value).toBe('data: 2\n\n');
    await stopped;
    for (const event of ['data: 3\n\n', 'data: 4\n\n']) {
      response.write(event);
      expect((await reader?.read())?.value).toBe(event);
    }
    response.end();
    expect((await reader?.read())?.done).toBe(true);
    expect(behind.router.openTickets).toBe(0);
  });
});
