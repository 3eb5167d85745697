/** Answers one generation request: from its body to the last byte of its answer, or to its client's going away. */
import { epochMs } from "dynbench";
import { chunkWriter, wholeAnswer, type Answer } from "./answer-format.ts";
import { AnswerStream } from "./answer-stream.ts";
import { ApiFault } from "./api-fault.ts";
import { parseGeneration, type Endpoint } from "./openai.ts";
import type { ResolvedMocker } from "./mocker-options.ts";
import type { TokenSequences } from "./token-sequences.ts";
import type { WorkerLoop } from "./worker-loop.ts";

/** A worker's state, for everything that answers requests. */
export interface ServedWorker {
  readonly id: string;
  readonly modelPath: string;
  readonly resolved: ResolvedMocker;
  readonly loop: WorkerLoop;
  readonly sequences: TokenSequences;
  /** Requests that their clients gave up. */
  aborted: number;
  /** Number of the next request, for its id. */
  requests: number;
}

export interface Generation {
  readonly endpoint: Endpoint;
  readonly body: unknown;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  readonly worker: ServedWorker;
}

export function generate(generation: Generation): Response | Promise<Response> {
  const { endpoint, body, worker } = generation;
  const { servedModelName, limits } = worker.resolved;
  const request = parseGeneration(endpoint, body, {
    model: servedModelName,
    maxModelLen: limits.maxModelLen,
  });
  const number = worker.requests;
  worker.requests += 1;
  const answer: Answer = {
    id: `${endpoint === "chat" ? "chatcmpl" : "cmpl"}-${worker.id}-${number}`,
    created: Math.floor(epochMs() / 1000),
    model: servedModelName,
    request,
    sequence: worker.sequences.make(request.prompt, request.osl),
  };
  return request.stream ? streamed(answer, generation) : whole(answer, generation);
}

function streamed(answer: Answer, { signal, worker }: Generation): Response {
  const chunks = chunkWriter(answer);
  const osl = answer.sequence.tokens.length - answer.sequence.isl;
  const stream = new AnswerStream(() => giveUp());
  let cached = 0;
  const number = submit(answer, worker, {
    admitted: (cachedTokens) => {
      cached = cachedTokens;
    },
    tokens: (from, count) => {
      const events = chunks.events(from, count, cached);
      if (from + count === osl) stream.end(events);
      else stream.write(events);
    },
  });
  const giveUp = (): void => abort(number, worker);
  onAbort(signal, giveUp);
  return new Response(stream.body, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "x-dynbench-worker": worker.id,
    },
  });
}

function whole(answer: Answer, { signal, worker }: Generation): Promise<Response> {
  const osl = answer.sequence.tokens.length - answer.sequence.isl;
  const { promise, resolve } = Promise.withResolvers<Response>();
  let cached = 0;
  const number = submit(answer, worker, {
    admitted: (cachedTokens) => {
      cached = cachedTokens;
    },
    tokens: (from, count) => {
      if (from + count < osl) return;
      resolve(
        Response.json(wholeAnswer(answer, cached), {
          headers: { "x-dynbench-worker": worker.id },
        }),
      );
    },
  });
  const giveUp = (): void => {
    abort(number, worker);
    resolve(new Response(null, { status: CLIENT_CLOSED_REQUEST }));
  };
  onAbort(signal, giveUp);
  return promise;
}

/** What nginx logs for a client that went away; nobody is there to read it. */
const CLIENT_CLOSED_REQUEST = 499;

function submit(
  { sequence }: Answer,
  { loop }: ServedWorker,
  listener: Parameters<ServedWorker["loop"]["submit"]>[1],
): number {
  const outcome = loop.submit(sequence, listener);
  if (typeof outcome === "number") return outcome;
  throw new ApiFault(outcome);
}

/** Also when it went away while its request was read. */
function onAbort(signal: AbortSignal, giveUp: () => void): void {
  if (signal.aborted) giveUp();
  else signal.addEventListener("abort", giveUp, { once: true });
}

function abort(number: number, worker: ServedWorker): void {
  if (worker.loop.abort(number)) worker.aborted += 1;
}
