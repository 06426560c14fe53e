import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
import { listMember, stringMember } from './members.ts';
import type { Refusal } from './refusal.ts';
import { parseArguments } from './tool-call.ts';

const firstText = (value: JsonValue | undefined): string | null => {
  const first = isJsonArray(value) ? value[0] : undefined;
  return isJsonObject(first) ? stringMember(first, 'text') : null;
};

/** Collects the input items of a Responses request as chat messages; items that belong together become one. */
export class ResponseItems {
  readonly #messages: Map<string, JsonValue>[];

  /** `before` are the messages that earlier items became; not changed. */
  constructor(before: readonly JsonObject[] = []) {
    this.#messages = before.map((message) => new Map(message));
  }

  get messages(): readonly JsonObject[] {
    return this.#messages;
  }

  /** Adds a message of plain text. */
  addText(role: string, text: string): void {
    this.#messages.push(
      new Map([
        ['role', role],
        ['content', text],
      ]),
    );
  }

  /** Adds a whole item; why it cannot be, else null. */
  add(item: JsonValue): Refusal | null {
    if (!isJsonObject(item)) return 'invalid-messages';
    switch (item.get('type') ?? null) {
      case 'function_call':
        return this.#addCall(item);
      case 'reasoning':
        return this.#addReasoning(item);
      case 'function_call_output':
      case 'custom_tool_call_output':
        return this.#addOutput(item);
      case 'custom_tool_call':
        return this.#addCustomCall(item);
      case 'message':
      case null:
        return this.#addMessage(item);
      default:
        return 'invalid-messages';
    }
  }

  /** Adds what is known of the item that the text's end cut off; whether it has a text that may go on. */
  addOpen(item: JsonValue): boolean {
    if (!isJsonObject(item) || (item.get('type') ?? 'message') !== 'message') return false;
    const role = stringMember(item, 'role');
    const content = item.get('content');
    const text = typeof content === 'string' ? content : null;
    const parts = isJsonArray(content) && content.length > 0 ? content : null;
    // The text of an assistant's list is its first part's alone.
    if (role === null || (text === null && parts === null)) return false;
    if (role === 'assistant') {
      const known = text ?? firstText(parts ?? undefined);
      if (known === null) return false;
      this.#setOnAssistant('content', known);
      return true;
    }
    this.#messages.push(
      new Map<string, JsonValue>([
        ['role', role],
        ['content', text ?? parts ?? ''],
      ]),
    );
    return true;
  }

  /** The last message where it is the assistant's, else a new one. */
  #assistant(): Map<string, JsonValue> {
    const last = this.#messages.at(-1);
    if (last?.get('role') === 'assistant') return last;
    const message = new Map<string, JsonValue>([['role', 'assistant']]);
    this.#messages.push(message);
    return message;
  }

  /** Sets a member on the last assistant message that lacks it, or on a new one. */
  #setOnAssistant(key: string, value: JsonValue): void {
    const message = this.#assistant();
    if ((message.get(key) ?? null) === null) message.set(key, value);
    else
      this.#messages.push(
        new Map<string, JsonValue>([
          ['role', 'assistant'],
          [key, value],
        ]),
      );
  }

  #addCall(item: JsonObject): Refusal | null {
    const id = item.get('call_id');
    const name = item.get('name');
    const source = item.get('arguments');
    if (typeof id !== 'string' || typeof name !== 'string' || typeof source !== 'string') return 'invalid-messages';
    if ((item.get('namespace') ?? null) !== null) return 'unsupported';
    this.#addToolCall(id, name, parseArguments(source));
    return null;
  }

  /** A call of a tool that takes free text stands as one with that text as its only argument. */
  #addCustomCall(item: JsonObject): Refusal | null {
    const id = item.get('call_id');
    const name = item.get('name');
    if (typeof id !== 'string' || typeof name !== 'string') return 'invalid-messages';
    this.#addToolCall(id, name, new Map([['input', stringMember(item, 'input') ?? '']]));
    return null;
  }

  #addToolCall(id: string, name: string, parsed: JsonObject): void {
    const call = new Map<string, JsonValue>([
      ['id', id],
      [
        'function',
        new Map<string, JsonValue>([
          ['name', name],
          ['arguments', parsed],
        ]),
      ],
      ['type', 'function'],
    ]);
    const message = this.#assistant();
    message.set('tool_calls', [...(listMember(message, 'tool_calls') ?? []), call]);
  }

  #addReasoning(item: JsonObject): Refusal | null {
    const summary = listMember(item, 'summary');
    if (summary === null) return 'invalid-messages';
    if (item.get('encrypted_content')) return 'server-state';
    const content = listMember(item, 'content') ?? [];
    this.#setOnAssistant('reasoning', firstText(content.length > 0 ? content : summary) ?? '');
    return null;
  }

  #addOutput(item: JsonObject): Refusal | null {
    const message = new Map<string, JsonValue>([
      ['role', 'tool'],
      ['content', item.get('output') ?? null],
    ]);
    this.#messages.push(message.set('tool_call_id', item.get('call_id') ?? null));
    return null;
  }

  #addMessage(item: JsonObject): Refusal | null {
    const role = item.get('role');
    const content = item.get('content');
    if (typeof role !== 'string') return 'invalid-messages';
    if (role !== 'assistant') {
      this.#messages.push(new Map([...item]));
      return null;
    }
    // An assistant's list needs the item's type to be told from other items.
    if (isJsonArray(content) && item.get('type') !== 'message') return 'invalid-messages';
    const text = typeof content === 'string' ? content : firstText(content);
    if (text === null) return 'invalid-messages';
    this.#setOnAssistant('content', text);
    return null;
  }
}
