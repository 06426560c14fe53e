import { describe, expect, it } from '@jest/globals';
import { checkLine } from '../../../sidecar/cli/doctor/check.ts';
import { checkTokenIds } from '../../../sidecar/cli/doctor/token-ids-checks.ts';
import { createPromptEncoder } from '../../../sidecar/prompt/index.ts';
import { endpoint } from '../../support/candidates.ts';
import { modelFolder, startVllm, vllmExecutable } from './vllm-server.ts';

const releases = [
  ['0.32.0', /^ok .*6 requests are answered the same with ids handed over$/],
  ['0.23.0', /^warn .*the engine ignores ids/],
] as const;

// What `passTokenIds` relies on: vLLM takes `kv_transfer_params.prompt_token_ids` since 0.27. It is not started with
// --enable-auto-tool-choice, so that it refuses the chat with tools.
describe.each(releases)('token ids handed over to vLLM %s', (version, expected) => {
  const executable = vllmExecutable(version);
  if (executable === null) console.log(`SKIPPED vllm token ids: test/real/vllm/install.sh has not put ${version}`);

  (executable === null ? it.skip : it)(
    'are what doctor says of them',
    async () => {
      await using server = await startVllm(executable ?? '');
      const patient = { endpoint: endpoint('e', { address: server.address }), models: null, dialsIn: false };
      const encoder = await createPromptEncoder({ folder: modelFolder });
      const { signal } = new AbortController();
      const check = await checkTokenIds(patient, { encoder, model: 'tiny', passes: true, mayProbe: true, signal });
      expect(checkLine(check)).toMatch(expected);
    },
    300_000,
  );
});
