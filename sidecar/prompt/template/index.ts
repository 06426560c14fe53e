/** Chat templates: Jinja as transformers configures it, compiled to JavaScript once and run per request. */
export { compileChatTemplate } from './compile-chat-template.ts';
export type { ChatTemplate, TemplateInput } from './port.ts';
