import { describe, expect, it } from '@jest/globals';
import { createProxyGateway } from '../../../../sidecar/gateway/index.ts';
import { withTokenIds } from '../../../../sidecar/gateway/token-ids.ts';
import { createFakeRouter, endpointAt } from '../../../support/fake-router.ts';
import { json, startScriptedEngine } from '../../../support/scripted-engine.ts';
import { quietGatewayOptions, started } from '../../../support/started-gateway.ts';

const tokenIds = Int32Array.from([1, 20, 300]);
const ids = { member: 'kv_transfer_params', tokenIds } as const;
const text = (body: Uint8Array | null): string | null => (body === null ? null : Buffer.from(body).toString());

describe('token ids handed to the engine', () => {
  it('stand behind everything the client sent', () => {
    const body = Buffer.from('{"model":"m", "n":1.0,"messages":[{"role":"user","content":"}"}] }\n');
    expect(text(withTokenIds(body, ids))).toBe(
      '{"model":"m", "n":1.0,"messages":[{"role":"user","content":"}"}] ,"kv_transfer_params":{"prompt_token_ids":[1,20,300]}}',
    );
  });

  it('stand in place of a text to be completed', () => {
    const body = Buffer.from('{"model":"m", "prompt" : "Say \\"prompt\\":", "x":{"prompt":"y"}}');
    expect(text(withTokenIds(body, { member: 'prompt', tokenIds }))).toBe(
      '{"model":"m", "prompt" : [1,20,300], "x":{"prompt":"y"}}',
    );
  });

  it('never replace parameters of the client', () => {
    expect(withTokenIds(Buffer.from('{"messages":[],"kv_transfer_params":{"a":1}}'), ids)).toBeNull();
  });

  it('are sent by the proxy with the right length, for a body that is not compressed', async () => {
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(engine.address)], () => ({ takeTokenIds: () => ids }));
    await using proxy = await started(createProxyGateway({ ...quietGatewayOptions, router }));
    const response = await fetch(`${proxy.url}/v1/chat/completions`, { method: 'POST', body: '{"messages":[]}' });
    expect(response.status).toBe(200);
    expect(engine.received[0]?.body.toString()).toBe(
      '{"messages":[],"kv_transfer_params":{"prompt_token_ids":[1,20,300]}}',
    );
  });
});
