/** A fault of a client's request, in the wording of vLLM 0.32. */

type ApiStatus = 400 | 403 | 404 | 415 | 500;

export class ApiFault extends Error {
  readonly status: ApiStatus;
  readonly type: string;
  readonly param: string | null;

  constructor(message: string, details: { status?: ApiStatus; param?: string } = {}) {
    super(message);
    this.name = "ApiFault";
    this.status = details.status ?? 400;
    this.type = TYPES[this.status];
    this.param = details.param ?? null;
  }

  /** The body of the answer. */
  toBody(): { error: { message: string; type: string; param: string | null; code: number } } {
    const { message, type, param, status } = this;
    return { error: { message, type, param, code: status } };
  }
}

const TYPES = {
  400: "BadRequestError",
  403: "Forbidden",
  404: "NotFoundError",
  415: "Unsupported Media Type",
  500: "InternalServerError",
} as const;
