import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { SidecarError, silentLogger, systemClock } from '../../../sidecar/core/index.ts';
import { readModelFiles } from '../../../sidecar/prompt/encoder/model-files.ts';
import { describeTemplate } from '../../../sidecar/prompt/encoder/model-template.ts';
import { createLocalEncoder } from '../../../sidecar/prompt/encoder/prompt-encoder.ts';
import type { PromptEncoder } from '../../../sidecar/prompt/index.ts';
import { createPackageTemplate } from '../../../sidecar/prompt/template/package-template.ts';
import { createCachedTokenizer } from '../../../sidecar/prompt/tokenizer/cached-tokenizer.ts';
import { createPackageTokenizer } from '../../../sidecar/prompt/tokenizer/package-tokenizer.ts';
import { encodeBody, idsOf, recordedTemplates, tinyQwenEncoder, tinyQwenModel } from '../../support/tiny-qwen.ts';
import { renderVectors, tokenizeVectors } from '../../support/vllm-vectors.ts';

const packageEncoder = async (): Promise<PromptEncoder> => {
  const files = await readModelFiles(tinyQwenModel);
  const source = readFileSync(recordedTemplates['tiny-qwen'] ?? '', 'utf8');
  const template = createPackageTemplate(source, { reason: 'under test', contentFormat: 'openai' });
  const described = describeTemplate(source, template, files.specialTokens);
  return createLocalEncoder({
    clock: systemClock,
    tokenizer: createPackageTokenizer({ ...files, tokenizer: files.tokenizer.parseWhole() }, { reason: 'under test' }),
    templates: { plain: described, withTools: described },
    specialTokens: files.specialTokens,
    defaults: { templateVariables: new Map(), excludesToolsWhenNoneChosen: false },
    path: 'package',
    pathReason: 'under test',
    logger: silentLogger,
  });
};

describe('the published packages', () => {
  it('give the tokens of the own implementations, save where the list of differences says', async () => {
    const differences: Readonly<Record<string, string>> = JSON.parse(
      readFileSync(new URL('../../fixtures/prompt/package-differences.json', import.meta.url), 'utf8'),
    );
    const [own, packages] = await Promise.all([tinyQwenEncoder(), packageEncoder()]);
    const recorded = [...tokenizeVectors(), ...renderVectors().filter(({ template }) => template === 'tiny-qwen')];
    const differing = new Set<string>();
    for (const vector of recorded) {
      const same =
        JSON.stringify(idsOf(await encodeBody(own, vector))) ===
        JSON.stringify(idsOf(await encodeBody(packages, vector)));
      if (!same) differing.add(vector.name);
    }

    expect([...differing].sort()).toEqual(
      Object.keys(differences)
        .filter((name) => name !== '')
        .sort(),
    );
  });

  it('give the same tokens where their segments are remembered', async () => {
    const files = await readModelFiles(tinyQwenModel);
    const tokenizer = createPackageTokenizer(
      { ...files, tokenizer: files.tokenizer.parseWhole() },
      { reason: 'under test' },
    );
    const addedTokens = ['<|im_start|>', '<|im_end|>', '<tool_call>', '</tool_call>'];
    const cached = createCachedTokenizer(tokenizer, { addedTokens, maxBytes: 1 << 20 });
    const texts = renderVectors().flatMap(({ text }) => (text === null ? [] : [text]));

    for (const text of texts) expect(cached.encodePieces([text])).toEqual(tokenizer.encodePieces([text]));
  });

  it('fail as the engine does where the template raises, without the conversation in the message', () => {
    const template = createPackageTemplate("{{ raise_exception('no ' + messages[0].content) }}", {
      reason: 'under test',
      contentFormat: 'string',
    });
    const messages = [
      new Map([
        ['role', 'user'],
        ['content', 'secret'],
      ]),
    ];

    const render = () =>
      template.render({ messages, tools: null, documents: null, addGenerationPrompt: true, variables: new Map() });

    expect(render).toThrow(SidecarError);
    expect(render).toThrow(/^(?!.*secret).*template-failed/);
  });

  it('say so where they cannot parse a template or a tokenizer', () => {
    expect(() => createPackageTemplate('{% if %}', { reason: '', contentFormat: 'string' })).toThrow(SidecarError);
    expect(() => createPackageTokenizer({ tokenizer: 5, config: {} }, { reason: '' })).toThrow(SidecarError);
    expect(() => createPackageTokenizer({ tokenizer: { model: { type: 'Odd' } }, config: {} }, { reason: '' })).toThrow(
      SidecarError,
    );
  });
});
