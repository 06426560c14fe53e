import { type Clock, SidecarError } from '../../core/index.ts';
import { type CompiledStatements, compileStatements } from './compiler/compile.ts';
import { detectContentFormat } from './content-format.ts';
import type { ChatTemplate, ContentFormat, TemplateInput } from './port.ts';
import { StepBudget } from './runtime/budget.ts';
import { createGlobals, RaisedByTemplate } from './runtime/globals.ts';
import { RenderError, type Value } from './runtime/values.ts';
import { TemplateSyntaxError, UnsupportedFeatureError } from './syntax/errors.ts';
import { parseTemplate } from './syntax/parser.ts';

/** What became of a template's source. */
export type CompileOutcome =
  | {
      readonly kind: 'compiled';
      readonly template: ChatTemplate;
      /** Whether renders depend on the clock (`strftime_now`): such prompts change from day to day. */
      readonly readsClock: boolean;
    }
  /** The template uses something that only jinja2 has; the reason names it. */
  | { readonly kind: 'unsupported'; readonly reason: string; readonly contentFormat: ContentFormat }
  /** jinja2 refuses the template too, so the engine refuses every chat request. */
  | { readonly kind: 'invalid'; readonly reason: string };

/** A log-safe reason: what the template raised counts only where it is a text of the template itself. */
const reasonOf = (failure: unknown, texts: ReadonlySet<string>): string => {
  if (failure instanceof RaisedByTemplate && texts.has(failure.reason)) return failure.reason;
  if (failure instanceof RenderError) return failure.message;
  return failure instanceof RangeError ? 'the template nests too deeply' : 'the template cannot be rendered';
};

const readGlobal = (input: TemplateInput, environment: ReadonlyMap<string, Value>, name: string): Value => {
  switch (name) {
    case 'messages':
      return input.messages;
    case 'tools':
      return input.tools;
    case 'documents':
      return input.documents;
    case 'add_generation_prompt':
      return input.addGenerationPrompt;
    default: {
      const value = input.variables.get(name);
      return value === undefined ? environment.get(name) : value;
    }
  }
};

class CompiledChatTemplate implements ChatTemplate {
  readonly path = 'exact';
  readonly pathReason = null;
  readonly contentFormat: ContentFormat;
  readonly #statements: CompiledStatements;
  readonly #environment: ReadonlyMap<string, Value>;

  constructor(statements: CompiledStatements, contentFormat: ContentFormat, clock: Clock) {
    this.#statements = statements;
    this.contentFormat = contentFormat;
    this.#environment = createGlobals(() => clock.wallNow());
  }

  render(input: TemplateInput): readonly string[] {
    const pieces: string[] = [];
    try {
      this.#statements.render(pieces, new StepBudget(), (name) => readGlobal(input, this.#environment, name));
    } catch (failure) {
      throw new SidecarError('template-failed', reasonOf(failure, this.#statements.texts));
    }
    return pieces;
  }
}

/**
 * Compiles a chat template: jinja2 3.1's language in the environment that transformers sets up (immutable sandbox,
 * trim_blocks, lstrip_blocks, loop controls, `{% generation %}`, `tojson`, `raise_exception`, `strftime_now`). Renders give
 * Python's result to the byte, errors included. `clock` serves `strftime_now`, in the process's time zone. Takes a
 * millisecond or two; never throws.
 */
export const compileChatTemplate = (source: string, options: { readonly clock: Clock }): CompileOutcome => {
  let contentFormat: ContentFormat = 'string';
  try {
    const statements = parseTemplate(source);
    contentFormat = detectContentFormat(statements);
    const compiled = compileStatements(statements);
    const template = new CompiledChatTemplate(compiled, contentFormat, options.clock);
    return { kind: 'compiled', template, readsClock: compiled.globals.has('strftime_now') };
  } catch (failure) {
    if (failure instanceof UnsupportedFeatureError) {
      return { kind: 'unsupported', reason: `chat template: ${failure.message}`, contentFormat };
    }
    if (failure instanceof TemplateSyntaxError) return { kind: 'invalid', reason: `chat template: ${failure.message}` };
    return { kind: 'unsupported', reason: 'chat template: cannot be compiled', contentFormat };
  }
};
