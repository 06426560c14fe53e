/** Chat templates: Jinja as transformers configures it, compiled to JavaScript once and run per request. */
export { type CompileOutcome, compileChatTemplate } from './compile-chat-template.ts';
export type { ChatTemplate, ContentFormat, TemplateInput } from './port.ts';
