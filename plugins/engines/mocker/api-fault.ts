/** A fault of a client's request, in the wording of vLLM 0.32. */

export class ApiFault extends Error {
  readonly status: 400 | 404 | 500;
  readonly type: string;
  readonly param: string | null;

  constructor(message: string, details: { status?: 400 | 404 | 500; param?: string } = {}) {
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

const TYPES = { 400: "BadRequestError", 404: "NotFoundError", 500: "InternalServerError" } as const;
