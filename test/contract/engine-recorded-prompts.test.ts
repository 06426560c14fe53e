import { describe, expect, it } from '@jest/globals';
import { createEngine, loadTinyQwen } from '../../sidecar/simulator/index.ts';
import { readJson } from '../support/http.ts';
import { tokenizeVectors } from '../support/vllm-vectors.ts';

describe('a chat sent to the embedded engine', () => {
  it('has the prompt tokens, or the refusal, that vLLM 0.32.0 gave it', async () => {
    await using engine = createEngine({ tokenizer: await loadTinyQwen(), model: 'tiny', timeScale: 0 });
    const { address } = await engine.start();
    const vectors = tokenizeVectors();
    const outcomes: unknown[] = [];
    for (const { name, path, body } of vectors) {
      const asking = body.toString().replace(/\}$/, ', "max_tokens": 1, "return_token_ids": true}');
      const response = await fetch(`http://${address}${path}`, { method: 'POST', body: asking });
      const answer = await readJson<{ readonly prompt_token_ids?: readonly number[] }>(response);
      outcomes.push([name, response.status, answer.prompt_token_ids ?? null]);
    }
    expect(vectors.length).toBeGreaterThan(45);
    expect(outcomes).toEqual(vectors.map(({ name, tokenIds }) => [name, tokenIds === null ? 400 : 200, tokenIds]));
  });
});
