/** Answers one generation request: from its body to the last byte of its answer, or until its client disconnects. */
import { given } from "dynbench";
import { epochMs, type Tokenizer } from "dynbench/engine";
import { chunkWriter, wholeAnswer, type Answer } from "./answer-format.ts";
import { AnswerStream } from "./answer-stream.ts";
import { ApiFault } from "./api-fault.ts";
import { keptParams, releaseOnce, type KeptRequests } from "./kv-transfer.ts";
import { parseGeneration, type Endpoint, type GenerationRequest } from "./openai.ts";
import type { ResolvedMocker } from "./mocker-options.ts";
import type { TokenSequences } from "./token-sequences.ts";
import type { WorkerLoop } from "./worker-loop.ts";

/** A worker's state, for everything that answers requests. */
export interface ServedWorker {
  readonly id: string;
  readonly modelPath: string;
  readonly resolved: ResolvedMocker;
  /** Folder of a model's tokenizer.json, for text; undefined: the built-in tokenizer. */
  readonly tokenizer: string | undefined;
  readonly loop: WorkerLoop;
  readonly sequences: TokenSequences;
  readonly kept: KeptRequests;
  /** Where decode workers reach it. */
  readonly address: { readonly host: string; port: number };
  /** Requests whose clients disconnected. */
  aborted: number;
  /** Number of the next request, for its id. */
  requests: number;
}

export interface Generation {
  readonly endpoint: Endpoint;
  readonly body: unknown;
  /** Reads the prompt, and has the answer's words. */
  readonly tokenizer: Tokenizer;
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
  readonly worker: ServedWorker;
}

export function generate(generation: Generation): Response | Promise<Response> {
  const { endpoint, body, tokenizer, worker } = generation;
  const { servedModelName, limits } = worker.resolved;
  const request = parseGeneration(endpoint, body, {
    model: servedModelName,
    maxModelLen: limits.maxModelLen,
    tokenizer,
  });
  const number = worker.requests;
  worker.requests += 1;
  const answer: Answer = {
    id: `${endpoint === "chat" ? "chatcmpl" : "cmpl"}-${worker.id}-${number}`,
    created: Math.floor(epochMs() / 1000),
    model: servedModelName,
    request,
    tokenizer,
    sequence: worker.sequences.make(request.prompt, request.osl, tokenizer.wordIds),
  };
  const job: Job = { ...generation, request, answer };
  return request.stream ? streamed(job) : whole(job);
}

interface Job extends Generation {
  readonly request: GenerationRequest;
  readonly answer: Answer;
}

function streamed({ answer, request, signal, worker }: Job): Response {
  const chunks = chunkWriter(answer);
  const osl = answer.sequence.tokens.length - answer.sequence.isl;
  const stream = new AnswerStream(() => giveUp());
  const { cachedTokens, giveUp } = submit({ answer, request, worker }, (from, count) => {
    const events = chunks.events(from, count, cachedTokens());
    if (from + count === osl) stream.end(events);
    else stream.write(events);
  });
  onAbort(signal, giveUp);
  return new Response(stream.body, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "x-dynbench-worker": worker.id,
    },
  });
}

function whole({ answer, request, signal, worker }: Job): Promise<Response> {
  const osl = answer.sequence.tokens.length - answer.sequence.isl;
  const { promise, resolve } = Promise.withResolvers<Response>();
  const { number, cachedTokens, giveUp } = submit({ answer, request, worker }, (from, count) => {
    if (from + count < osl) return;
    const more = request.transfer?.way === "send" ? kept() : {};
    const headers = { "x-dynbench-worker": worker.id };
    resolve(Response.json(wholeAnswer(answer, cachedTokens(), more), { headers }));
  });
  const kept = (): Record<string, unknown> => {
    worker.kept.keep(answer.id, number);
    return {
      kv_transfer_params: keptParams({
        workerId: worker.id,
        requestId: answer.id,
        address: worker.address,
        isl: answer.sequence.isl,
        cachedTokens: cachedTokens(),
      }),
    };
  };
  onAbort(signal, () => {
    giveUp();
    resolve(new Response(null, { status: CLIENT_CLOSED_REQUEST }));
  });
  return promise;
}

/** The status that nginx logs for a client that disconnected; no one receives it. */
const CLIENT_CLOSED_REQUEST = 499;

interface Submitted {
  readonly number: number;
  /** Prompt tokens that were found in a cache: here, or where the prompt was computed. */
  cachedTokens(): number;
  giveUp(): void;
}

function submit(
  { answer, request, worker }: Pick<Job, "answer" | "request" | "worker">,
  tokens: (from: number, count: number) => void,
): Submitted {
  const { transfer } = request;
  const isReceiving = transfer?.way === "receive";
  const received = isReceiving ? releaseOnce(transfer) : () => {};
  let cached = isReceiving ? transfer.cachedTokens : 0;
  const listener = {
    admitted: (cachedTokens: number): void => {
      if (!isReceiving) cached = cachedTokens;
    },
    received,
    tokens,
  };
  const outcome = worker.loop.submit(answer.sequence, listener, {
    priority: request.priority,
    ...given({ handoff: transfer?.way }),
  });
  if (typeof outcome === "string") {
    received(); // the client has disconnected and will not read it
    throw new ApiFault(outcome);
  }
  return {
    number: outcome,
    cachedTokens: () => cached,
    giveUp: () => {
      if (worker.loop.abort(outcome)) worker.aborted += 1;
      received();
    },
  };
}

/** Also when the client disconnected while its request was read. */
function onAbort(signal: AbortSignal, giveUp: () => void): void {
  if (signal.aborted) giveUp();
  else signal.addEventListener("abort", giveUp, { once: true });
}
