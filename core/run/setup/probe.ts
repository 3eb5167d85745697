/**
 * One streamed completion, read closely: the request that preflight and `dynbench ping` send.
 *
 * Not the load's client path: a probe reads every frame as JSON and keeps the server's own message.
 */
import { given } from "../../base/given.ts";
import { HttpClient } from "../../wire/http/client.ts";
import { parseTarget } from "../../wire/http/target.ts";
import { lacksTls, NO_TLS } from "../../wire/http/tls-check.ts";
import { readNvext, type Routing } from "../../load/nvext.ts";

/** A probe asks for few tokens, so an answer this long is not one. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export interface ProbeResult {
  /** Nothing when the answer was a streamed completion that ended cleanly. */
  readonly fault: string | undefined;
  readonly status: number | undefined;
  readonly text: string;
  readonly contentChunks: number;
  readonly promptTokens: number | undefined;
  readonly cachedTokens: number | undefined;
  readonly outputTokens: number | undefined;
  /** From the header that our workers, or the router, set; or from the stream (Dynamo). */
  readonly worker: string | undefined;
  readonly prefillWorker?: string;
}

export interface ProbeRequest {
  readonly path: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Sends one request to `baseUrl` on a connection of its own. What went wrong at the other end is
 * `fault`; rejects when the signal is aborted.
 */
export function probe(baseUrl: string, request: ProbeRequest): Promise<ProbeResult> {
  const { signal } = request;
  const target = parseTarget(baseUrl);
  const client = new HttpClient(target, { connection: "per-request" });
  const answer = new Answer();
  return new Promise<ProbeResult>((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(limit);
      signal?.removeEventListener("abort", stop);
      client.close();
    };
    const finish = (fault: string | undefined): void => {
      leave();
      resolve(answer.result(fault));
    };
    const stop = (): void => {
      exchange.abort();
      leave();
      reject(signal?.reason as Error);
    };
    const limit = setTimeout(() => {
      exchange.abort();
      const late = `no complete answer within ${request.timeoutMs / 1000} s`;
      if (!target.tls || answer.status !== undefined) return finish(late);
      void lacksTls(target).then((lacks) => finish(lacks ? NO_TLS : late));
    }, request.timeoutMs);
    const exchange = client.exchange(
      {
        method: "POST",
        path: request.path,
        headers: { "content-type": "application/json", ...request.headers },
        body: request.body,
      },
      {
        head: (head) => {
          answer.status = head.status;
          answer.contentType = head.headers.get("content-type") ?? "";
          answer.worker =
            head.headers.get("x-dynbench-worker") ??
            head.headers.get("x-dynbench-routed-to") ??
            head.headers.get("x-smg-routed-worker-id");
        },
        data: (bytes) => {
          answer.add(bytes);
          if (answer.bytes <= MAX_ANSWER_BYTES) return;
          exchange.abort();
          finish("the answer does not end");
        },
        end: () => finish(answer.fault()),
        fail: (error) => finish(error.message),
      },
    );
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

class Answer {
  status: number | undefined;
  contentType = "";
  worker: string | undefined;
  bytes = 0;
  #decoder = new TextDecoder();
  #body = "";

  add(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    this.#body += this.#decoder.decode(bytes, { stream: true });
  }

  fault(): string | undefined {
    if (this.status !== 200) return `HTTP ${this.status}: ${words(this.#body)}`;
    const frames = this.#frames();
    if (!this.contentType.includes("text/event-stream")) {
      return `expected a stream of events, got ${this.contentType || "no content type"}: ${words(this.#body)}`;
    }
    const error = frames.find((frame) => frame.error !== undefined);
    if (error) return `an error in the stream: ${words(JSON.stringify(error))}`;
    if (frames.some((frame) => frame.broken))
      return `a frame that is not JSON: ${words(this.#body)}`;
    if (this.#contentChunks(frames) === 0) return "no content came";
    if (!this.#hasEnd(frames)) return "the stream ended without a finish reason or [DONE]";
    return undefined;
  }

  result(fault: string | undefined): ProbeResult {
    const frames = this.status === 200 ? this.#frames() : [];
    const usage = frames.findLast((frame) => frame.usage)?.usage;
    const routing: Routing = {};
    readNvext(this.#body, routing);
    const promptTokens = usage?.prompt_tokens;
    return {
      fault,
      status: this.status,
      text: frames.map((frame) => contentOf(frame) ?? "").join(""),
      contentChunks: this.#contentChunks(frames),
      promptTokens,
      cachedTokens: isSplit(routing)
        ? believedCached(routing, promptTokens)
        : (usage?.prompt_tokens_details?.cached_tokens ?? undefined),
      outputTokens: usage?.completion_tokens,
      worker: this.worker ?? routing.worker,
      ...given({ prefillWorker: routing.prefillWorker }),
    };
  }

  #frames(): Frame[] {
    return this.#body
      .split("\n")
      .filter((line) => line.startsWith("data:"))
      .map((line) => line.slice(5).trim())
      .filter((data) => data !== "[DONE]")
      .map((data) => {
        try {
          return JSON.parse(data) as Frame;
        } catch {
          return { broken: true };
        }
      });
  }

  #contentChunks(frames: readonly Frame[]): number {
    return frames.filter((frame) => contentOf(frame) !== undefined).length;
  }

  #hasEnd(frames: readonly Frame[]): boolean {
    return (
      /^data: ?\[DONE\]\s*$/m.test(this.#body) ||
      frames.some((frame) => frame.choices?.some((choice) => choice.finish_reason))
    );
  }
}

function isSplit({ worker, prefillWorker }: Routing): boolean {
  return prefillWorker !== undefined && prefillWorker !== worker;
}

/** Of split workers Dynamo 1.6.1 reports the decode worker's cache; its router knows the prefill worker's. */
function believedCached({ timing }: Routing, promptTokens: number | undefined): number | undefined {
  const share = timing?.kvHitRate;
  if (share === undefined || promptTokens === undefined) return undefined;
  return Math.floor(share * promptTokens);
}

interface Frame {
  broken?: boolean;
  error?: unknown;
  choices?: { text?: string; delta?: { content?: string }; finish_reason?: string | null }[];
  usage?: {
    prompt_tokens?: number;
    completion_tokens?: number;
    prompt_tokens_details?: { cached_tokens?: number | null } | null;
  } | null;
}

/** The text of a frame that carries some; an empty text with a finish reason is not content. */
function contentOf(frame: Frame): string | undefined {
  const choice = frame.choices?.[0];
  const text = choice?.text ?? choice?.delta?.content;
  return text === undefined || (text === "" && choice?.finish_reason) ? undefined : text;
}

/** A server's own message, short enough for a sentence: the message of an OpenAI error if it is one. */
function words(body: string): string {
  try {
    const parsed = JSON.parse(body) as { error?: { message?: string }; message?: string };
    const message = parsed.error?.message ?? parsed.message;
    if (message) return message.slice(0, 300);
  } catch {
    // not JSON: the beginning will do
  }
  const text = body.replace(/\s+/g, " ").trim();
  return text === "" ? "an empty body" : text.slice(0, 200);
}
