/** A message as a random chat has it. */
export type Json = Record<string, unknown>;

/** A message's content as text; a list of parts as its JSON. */
export const textOf = (content: unknown): string =>
  typeof content === 'string' ? content : JSON.stringify(content ?? '');

/** Whether a text is one of those, one in `count`, in which a client does something otherwise. */
export const isOneIn = (text: string, count: number): boolean => text.length % count === count - 1;
