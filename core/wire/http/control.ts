/**
 * Requests to a server that are never measured: model lists, metrics, cache resets. They bypass
 * proxies and have a time limit, and their errors name the request and the URL.
 */
import { DynbenchError } from "../../base/errors.ts";
import { faultWords } from "./fault-words.ts";
import { KEY_HINT, parseTarget } from "./target.ts";
import { lacksTls, NO_TLS, NO_TLS_HINT } from "./tls-check.ts";

/** A server that answers a control request later than this is not usable for a benchmark either. */
const CONTROL_LIMIT_MS = 10_000;

/** How much of a refusal's body is quoted. */
const QUOTED_CHARACTERS = 200;

export interface ControlRequest {
  readonly method?: "GET" | "POST";
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Ten seconds when left out. */
  readonly limitMs?: number;
  /** Hints by the status of an error response. */
  readonly hint?: (status: number) => string;
}

/** The body of a 2xx answer; anything else throws a `DynbenchError` of code `start`. */
export async function fetchControl(url: string, request: ControlRequest = {}): Promise<string> {
  const method = request.method ?? "GET";
  const limit = AbortSignal.timeout(request.limitMs ?? CONTROL_LIMIT_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      signal: request.signal ? AbortSignal.any([request.signal, limit]) : limit,
      headers: {
        ...request.headers,
        ...(request.body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      // Bun applies HTTP_PROXY even to 127.0.0.1; `false` is what switches it off, though untyped.
      ...({ proxy: false } as object),
    });
    text = await response.text();
  } catch (cause) {
    request.signal?.throwIfAborted();
    if (await isWithoutTls(url, cause)) {
      throw new DynbenchError("start", `Cannot ${method} ${url}: ${NO_TLS}`, {
        hint: NO_TLS_HINT,
        cause,
      });
    }
    throw new DynbenchError("start", `Cannot ${method} ${url}: ${faultWords(cause)}`, {
      hint: "Check that the address is right and the server is up",
      cause,
    });
  }
  if (response.ok) return text;
  const quoted = text.slice(0, QUOTED_CHARACTERS).trim();
  throw new DynbenchError(
    "start",
    `Cannot ${method} ${url}: status ${response.status}${quoted === "" ? "" : `, ${quoted}`}`,
    { hint: request.hint?.(response.status) },
  );
}

/** The runtime reports a failed handshake, but only a time-out for a server that waits in silence. */
async function isWithoutTls(url: string, cause: unknown): Promise<boolean> {
  if (!url.startsWith("https:")) return false;
  const { name, code } = (cause ?? {}) as { name?: unknown; code?: unknown };
  return code === "EPROTO" || (name === "TimeoutError" && (await lacksTls(parseTarget(url))));
}

/** As `fetchControl`, for an answer that must be JSON. */
export async function fetchControlJson(url: string, request?: ControlRequest): Promise<unknown> {
  const text = await fetchControl(url, request);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const quoted = text.slice(0, QUOTED_CHARACTERS).trim();
    throw new DynbenchError("start", `Cannot read ${url}: expected JSON, got "${quoted}"`, {
      hint: request?.hint?.(200),
      cause,
    });
  }
}

/** A model as an OpenAI-compatible server lists it. */
export interface ServedModel {
  readonly id: string;
  readonly maxModelLen: number | undefined;
  /** Mostly the name of the program: `vllm`, `sglang`. */
  readonly ownedBy: string | undefined;
}

/** Models of `GET <url>/v1/models`, at least one. */
export async function servedModels(url: string, request?: ControlRequest): Promise<ServedModel[]> {
  const address = `${withoutSlash(url)}/v1/models`;
  const list = await fetchControlJson(address, {
    hint: (status) => notModelsHint(url, status),
    ...request,
  });
  const data = isObject(list) && Array.isArray(list.data) ? list.data : [];
  const models = data.filter(
    (entry): entry is { id: string; max_model_len?: unknown; owned_by?: unknown } =>
      isObject(entry) && typeof entry.id === "string",
  );
  if (models.length === 0) {
    throw new DynbenchError("start", `Cannot use ${url}: ${address} lists no model`, {
      hint: "Wait until its workers have registered, or check the address",
    });
  }
  return models.map((model) => ({
    id: model.id,
    maxModelLen: typeof model.max_model_len === "number" ? model.max_model_len : undefined,
    ownedBy: typeof model.owned_by === "string" ? model.owned_by : undefined,
  }));
}

function notModelsHint(url: string, status: number): string {
  if (status === 401 || status === 403) {
    return KEY_HINT;
  }
  const base = withoutSlash(url);
  return base.endsWith("/v1")
    ? `Leave out the /v1 at its end, which dynbench adds itself: ${base.slice(0, -"/v1".length)}`
    : "Is this an OpenAI-compatible server? Give its base URL; dynbench adds /v1 itself";
}

/** A base URL without a slash at its end, so that paths can be appended. */
export function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
