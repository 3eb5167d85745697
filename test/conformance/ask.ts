/** A plain OpenAI client for tests: one request and its whole answer, without measurements. */

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed `data:` lines of a stream, without the closing one. */
  readonly chunks: readonly any[];
  /** The stream ended with `[DONE]`. */
  readonly isDone: boolean;
  readonly usage: Usage | undefined;
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details?: { readonly cached_tokens: number };
}

/** Posts to a path below `url`; a plain object is sent as JSON, a string as it is. */
export function post(url: string, path: string, body: unknown, signal?: AbortSignal) {
  return fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}

/** A streamed completion of `osl` tokens with usage. */
export async function ask(
  url: string,
  request: { model: string; prompt: readonly number[] | string; osl: number },
): Promise<Asked> {
  const response = await post(url, "/v1/completions", {
    model: request.model,
    prompt: request.prompt,
    max_tokens: request.osl,
    ignore_eos: true,
    stream: true,
    stream_options: { include_usage: true },
  });
  return readStream(response);
}

/** Reads an event stream to its end. */
export async function readStream(response: Response): Promise<Asked> {
  const events = (await response.text())
    .split("\n\n")
    .filter((event) => event.startsWith("data: "))
    .map((event) => event.slice("data: ".length));
  const isDone = events.at(-1) === "[DONE]";
  const chunks = (isDone ? events.slice(0, -1) : events).map((event) => JSON.parse(event));
  return {
    status: response.status,
    headers: response.headers,
    chunks,
    isDone,
    usage: chunks.findLast((chunk) => chunk.usage)?.usage,
  };
}

/** The value of a metric's only sample, or of the sample with that label text. */
export function metric(text: string, name: string, label = ""): number {
  const line = text.split("\n").find((each) => each.startsWith(`${name}{`) && each.includes(label));
  if (line === undefined) throw new Error(`no metric ${name}`);
  return Number(line.slice(line.lastIndexOf(" ") + 1));
}

/** Asks again until the condition holds; loopback needs a few turns of the event loop. */
export async function eventually(isSo: () => Promise<boolean> | boolean): Promise<void> {
  const MOST_ATTEMPTS = 5_000;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    if (await isSo()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("it never came about");
}
