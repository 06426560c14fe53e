import { quoteScript } from './hoist.ts';

/** Collects generated lines; neighbouring constant texts for one output become one piece. */
export class SourceWriter {
  readonly #lines: string[] = [];
  #pending: { readonly out: string; text: string } | null = null;

  line(code: string): void {
    this.#flush();
    this.#lines.push(code);
  }

  /** Adds constant text to an output array. */
  text(out: string, text: string): void {
    if (text === '') return;
    if (this.#pending?.out === out) this.#pending.text += text;
    else {
      this.#flush();
      this.#pending = { out, text };
    }
  }

  finish(): string {
    this.#flush();
    return this.#lines.join('\n');
  }

  #flush(): void {
    if (this.#pending === null) return;
    const { out, text } = this.#pending;
    this.#pending = null;
    this.#lines.push(`${out}.push(${quoteScript(text)});`);
  }
}
