/** A refusal in vLLM's words: HTTP status, OpenAI error type, message and, where one is to blame, the parameter. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: string;
  readonly parameter: string | null;

  constructor(status: number, type: string, message: string, parameter: string | null = null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.type = type;
    this.parameter = parameter;
  }

  /** The body of the answer. */
  toBody(): unknown {
    return { error: { message: this.message, type: this.type, param: this.parameter, code: this.status } };
  }
}

/** 400 `BadRequestError`. */
export const badRequest = (message: string, parameter: string | null = null): ApiError =>
  new ApiError(400, 'BadRequestError', message, parameter);

/** 404 for a model that is not served. */
export const unknownModel = (model: string): ApiError =>
  new ApiError(404, 'NotFoundError', `The model \`${model}\` does not exist.`, 'model');
