import { describe, expect, it } from '@jest/globals';
import { SidecarError, systemClock } from '../../../../sidecar/core/index.ts';
import { compileChatTemplate } from '../../../../sidecar/prompt/template/index.ts';
import { jinjaCases, jinjaVariables, recordedNowMs } from '../../../support/jinja-cases.ts';

/** The recorded instant as local time, so that the process's zone shows the recorded UTC time. */
const localNowMs = recordedNowMs + new Date(recordedNowMs).getTimezoneOffset() * 60_000;
const clock = { ...systemClock, wallNow: () => localNowMs };

const variables = jinjaVariables();

const outcomeOf = (source: string) => {
  const compiled = compileChatTemplate(source, { clock });
  if (compiled.kind === 'invalid') return { kind: 'refused' };
  if (compiled.kind === 'unsupported') return { kind: 'unsupported', reason: compiled.reason };
  try {
    const pieces = compiled.template.render({
      messages: [],
      tools: null,
      documents: null,
      addGenerationPrompt: false,
      variables,
    });
    return { kind: 'text', text: pieces.join('') };
  } catch (failure) {
    if (failure instanceof SidecarError && failure.code === 'template-failed') return { kind: 'error' };
    throw failure;
  }
};

describe('the template language does as Python', () => {
  it.each(jinjaCases().map(({ name, source, expected }) => [name, source, expected] as const))(
    '%s',
    (_name, source, expected) => {
      expect(outcomeOf(source)).toEqual(expected);
    },
  );
});
