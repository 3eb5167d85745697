/**
 * The counts in a server's `usage`. Only counts that a server can mean are passed on: a negative, huge or
 * fractional one, or one of another type, would spoil every sum that it enters. The first that is
 * refused is named. Pure.
 */

export interface Usage {
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  readonly cachedTokens?: number;
}

interface Read {
  /** Undefined where the event has none. */
  readonly usage: Usage | undefined;
  /** `usage.completion_tokens is -3`. */
  readonly fault?: string;
}

/** More tokens than any context holds. */
const MAX_COUNT = 1e9;
const SHOWN_CHARACTERS = 40;

export function readUsage(value: unknown): Read {
  if (value === undefined || value === null) return { usage: undefined };
  if (typeof value !== "object") return { usage: undefined, fault: refused("usage", value) };
  const { prompt_tokens, completion_tokens, prompt_tokens_details } = value as Fields;
  const cached = prompt_tokens_details?.cached_tokens;
  const promptTokens = countOf(prompt_tokens);
  const completionTokens = countOf(completion_tokens);
  const cachedTokens = countOf(cached);
  const isTooMany = (cachedTokens ?? 0) > (promptTokens ?? Infinity);
  const fault =
    faultOf("usage.prompt_tokens", prompt_tokens) ??
    faultOf("usage.completion_tokens", completion_tokens) ??
    faultOf("usage.prompt_tokens_details.cached_tokens", cached) ??
    (isTooMany ? `${cachedTokens} cached of ${promptTokens} prompt tokens` : undefined);
  return {
    usage: {
      ...(promptTokens === undefined ? {} : { promptTokens }),
      ...(completionTokens === undefined ? {} : { completionTokens }),
      ...(cachedTokens === undefined || isTooMany ? {} : { cachedTokens }),
    },
    ...(fault === undefined ? {} : { fault }),
  };
}

interface Fields {
  readonly prompt_tokens?: unknown;
  readonly completion_tokens?: unknown;
  readonly prompt_tokens_details?: { readonly cached_tokens?: unknown } | null;
}

function countOf(value: unknown): number | undefined {
  return isCount(value) ? value : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT;
}

function faultOf(name: string, value: unknown): string | undefined {
  return value === undefined || value === null || isCount(value) ? undefined : refused(name, value);
}

function refused(name: string, value: unknown): string {
  return `${name} is ${JSON.stringify(value).slice(0, SHOWN_CHARACTERS)}`;
}
