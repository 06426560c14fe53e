/** The template is wrong: Python's jinja2 refuses it as well, so every render fails in the engine too. */
export class TemplateSyntaxError extends Error {
  constructor(message: string, line: number | null = null) {
    super(line === null ? message : `line ${line}: ${message}`);
    this.name = 'TemplateSyntaxError';
  }
}

/** The template uses something that jinja2 has and this implementation does not. Found when the template is loaded. */
export class UnsupportedFeatureError extends Error {
  constructor(feature: string) {
    super(feature);
    this.name = 'UnsupportedFeatureError';
  }
}
