import { seededRandom, systemClock } from '../../../sidecar/core/index.ts';
import { readJson } from '../../../sidecar/prompt/api/json-reader.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../../sidecar/prompt/api/json-value.ts';
import { compileChatTemplate, type TemplateInput } from '../../../sidecar/prompt/template/index.ts';
import { ConversationMaker } from './conversations.ts';
import type { LineProgram } from './python.ts';

/** A chat template to be compared, and where it comes from. */
export interface NamedTemplate {
  readonly name: string;
  readonly source: string;
}

/** Outcome of one template over many conversations. */
export interface Parity {
  readonly name: string;
  readonly conversations: number;
  /** Of them, those for which Python raised. */
  readonly raised: number;
  /** Why this implementation leaves the template to another one; null where it does not. */
  readonly unsupported: string | null;
  /** Whether both sides refuse the template itself. */
  readonly isRefused: boolean;
  /** What differs, shortened, first few only. */
  readonly differences: readonly string[];
}

/** The instant that `strftime_now` shows on both sides. */
const nowSeconds = 1_786_000_000;

const clock = { ...systemClock, wallNow: () => nowSeconds * 1000 };

const parse = (text: string): JsonObject => {
  const reading = readJson(text);
  if (reading.kind !== 'whole' || !isJsonObject(reading.value)) throw new Error(`no JSON object: ${text}`);
  return reading.value;
};

const listOrNull = (value: JsonValue | undefined): readonly JsonValue[] | null => (isJsonArray(value) ? value : null);

/** The input that a conversation's JSON text describes. */
const toTemplateInput = (text: string): TemplateInput => {
  const input = parse(text);
  const variables = input.get('variables');
  return {
    messages: listOrNull(input.get('messages')) ?? [],
    tools: listOrNull(input.get('tools')),
    documents: listOrNull(input.get('documents')),
    addGenerationPrompt: input.get('add_generation_prompt') === true,
    variables: isJsonObject(variables) ? variables : new Map(),
  };
};

interface PythonAnswer {
  readonly refused: string | null;
  readonly outputs: readonly { readonly text?: string; readonly error?: string }[];
}

const isAnswer = (answer: unknown): answer is PythonAnswer =>
  typeof answer === 'object' && answer !== null && 'outputs' in answer && 'refused' in answer;

const shorten = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}…` : text);

/** Both texts from shortly before their first difference. */
const describeDifference = (expected: string, actual: string): string => {
  let at = 0;
  while (at < expected.length && expected[at] === actual[at]) at += 1;
  const from = Math.max(0, at - 40);
  return `at ${at}: expected ${JSON.stringify(shorten(expected.slice(from)))}, got ${JSON.stringify(shorten(actual.slice(from)))}`;
};

const renderOutcome = (render: () => readonly string[]): { readonly text?: string; readonly error?: string } => {
  try {
    return { text: render().join('') };
  } catch (failure) {
    return { error: failure instanceof Error ? failure.message : String(failure) };
  }
};

/** Random conversations as JSON texts; the same seed gives the same ones. */
export const randomConversations = (count: number, seed: number): readonly string[] => {
  const maker = new ConversationMaker(seededRandom(seed));
  return Array.from({ length: count }, () => maker.make());
};

/** Renders a template over inputs, given as JSON texts, on both sides. */
export const compareTemplate = async (
  python: LineProgram,
  template: NamedTemplate,
  inputs: readonly string[],
): Promise<Parity> => {
  const answer = await python.ask({ source: template.source, nowSeconds, inputs });
  if (!isAnswer(answer)) throw new Error('render.py gave no answer');
  const outcome = compileChatTemplate(template.source, { clock });
  const common = { name: template.name, conversations: inputs.length, raised: 0, unsupported: null, isRefused: false };
  if (outcome.kind === 'unsupported') return { ...common, unsupported: outcome.reason, differences: [] };
  if (outcome.kind === 'invalid' || answer.refused !== null) {
    const isRefused = outcome.kind === 'invalid' && answer.refused !== null;
    const here = outcome.kind === 'invalid' ? outcome.reason : 'accepted';
    const differences = isRefused ? [] : [`load: expected ${answer.refused ?? 'accepted'}, got ${here}`];
    return { ...common, isRefused, differences };
  }
  const differences: string[] = [];
  let raised = 0;
  for (const [position, input] of inputs.entries()) {
    const expected = answer.outputs[position] ?? {};
    const actual = renderOutcome(() => outcome.template.render(toTemplateInput(input)));
    if (expected.text === undefined) raised += 1;
    if (expected.text === actual.text) continue;
    const difference = describeDifference(
      expected.text ?? `error ${expected.error}`,
      actual.text ?? `error ${actual.error}`,
    );
    differences.push(`#${position} ${difference}`);
  }
  return { ...common, raised, differences };
};
