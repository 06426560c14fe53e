import type { JsonObject } from '../api/json-value.ts';
import type { TemplateHabits } from '../api/prompt-source.ts';
import type { ChatTemplate } from '../template/port.ts';

/** A chat template with what vLLM learns of it when it starts. */
export interface ModelTemplate {
  readonly template: ChatTemplate;
  /** Whether the source names the `developer` role. */
  readonly knowsDeveloper: boolean;
  readonly habits: TemplateHabits;
}

/** A model's templates: one for requests without tools, one for those with them, often the same. */
export interface ModelTemplates {
  readonly plain: ModelTemplate;
  readonly withTools: ModelTemplate;
}

const said = (role: string): JsonObject =>
  new Map([
    ['role', role],
    ['content', 't'],
  ]);

const rendered = (template: ChatTemplate, roles: readonly string[], variables: JsonObject): string | null => {
  try {
    const messages = roles.map(said);
    return template.render({ messages, tools: null, documents: null, addGenerationPrompt: true, variables }).join('');
  } catch {
    return null;
  }
};

const efforts = ['low', 'medium', 'high', 'xhigh', 'max'];

/** vLLM's probes of a template (`vllm/entrypoints/anthropic/serving.py`). */
const probeHabits = (template: ChatTemplate, variables: JsonObject): TemplateHabits => {
  const withEffort = (effort: string): string | null =>
    rendered(
      template,
      ['user'],
      new Map([...variables, ['reasoning_effort', effort], ['enable_thinking', effort !== 'none']]),
    );
  const none = withEffort('none');
  const isIgnored = none === null || efforts.some((effort) => withEffort(effort) === none);
  return {
    wantsSystemFirst: rendered(template, ['system', 'user', 'system', 'user'], new Map()) === null,
    effortOfNoThinking: isIgnored ? 'low' : 'none',
  };
};

/** Learns what depends on the template's source or on how it renders. `variables` are the model's special tokens. */
export const describeTemplate = (source: string, template: ChatTemplate, variables: JsonObject): ModelTemplate => ({
  template,
  knowsDeveloper: source.includes('"developer"') || source.includes("'developer'"),
  habits: probeHabits(template, variables),
});
