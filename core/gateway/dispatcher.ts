/**
 * Carries requests from their arrival through the policy's decision to a worker and back: the life
 * of a request in one place. It tries another worker only while nothing of an answer has come.
 */
import { monotonicNs } from "../system/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { ExchangeFailure, ResponseHead } from "../wire/http/client.ts";
import type { Logger } from "../contract/processes.ts";
import { decisionOf } from "../routing/decision.ts";
import { expectationOf } from "../routing/expectation.ts";
import type { PolicyHost } from "../routing/host.ts";
import { NoWorkerFault, PolicyFault } from "../routing/routing-fault.ts";
import { HOLD } from "../contract/routing-policy.ts";
import type { DecisionLog } from "./decision-log.ts";
import { Flight, type Endpoint } from "./flight.ts";
import type { Answer, ParsedRequest } from "./http-server.ts";
import type { GatewayCounts } from "./gateway-counts.ts";
import { answerError } from "./openai-error.ts";
import type { KvHandoff } from "./kv-handoff.ts";
import { releaseKv, sendPrefill } from "./prefill-step.ts";
import type { PromptReader, ReadPrompt } from "./prompt-reader.ts";
import { Relay } from "./relay.ts";
import { TokeniseFault } from "./tokenise-pool.ts";
import type { WorkerLink } from "./worker-link.ts";

/** A request goes to at most this many workers: a second failure is more than one worker's bad luck. */
const MAX_TRIES = 2;

const TOKENISE_FAULTS = {
  400: "invalid_request_error",
  500: "tokenizer_error",
  503: "overloaded",
} as const;

export interface DispatcherOptions {
  readonly host: PolicyHost;
  readonly links: readonly WorkerLink[];
  readonly reader: PromptReader;
  readonly counts: GatewayCounts;
  readonly decisions: DecisionLog | undefined;
  readonly log: Logger;
  /** Each request goes to a prefill worker and then to a decode worker. */
  readonly isSplit: boolean;
}

export class Dispatcher {
  /** Label of the running cell, for decision lines. */
  cell: string | undefined;
  readonly #options: DispatcherOptions;
  readonly #flights = new Map<number, Flight>();
  #nextId = 0;
  /** Requests whose prompts are tokenised on a thread just now. */
  #tokenising = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#flights.size + this.#tokenising;
  }

  /** Answers the request, now or when a worker has. */
  handle(request: ParsedRequest, answer: Answer, endpoint: Endpoint): void {
    const { reader, counts } = this.#options;
    counts.count("requests");
    const prompt = reader.read(request.body, endpoint.promptField);
    if (prompt === undefined) {
      badRequest(answer, "Cannot read the request: the body is not a JSON object");
    } else if (prompt instanceof Promise) void this.#await(prompt, { request, answer });
    else this.#admit({ request, answer, prompt });
  }

  /** The prompt is tokenised elsewhere; meanwhile the client may leave. */
  async #await(
    tokenised: Promise<ReadPrompt>,
    { request, answer }: { request: ParsedRequest; answer: Answer },
  ): Promise<void> {
    let isGone = false;
    answer.onAbort(() => {
      isGone = true;
      this.#options.counts.count("aborted");
    });
    this.#tokenising += 1;
    try {
      const prompt = await tokenised;
      if (!isGone) this.#admit({ request, answer, prompt });
    } catch (error) {
      if (!(error instanceof TokeniseFault)) throw error;
      const { status, message } = error;
      if (!isGone) answerError(answer, status, { type: TOKENISE_FAULTS[status], message });
    } finally {
      this.#tokenising -= 1;
    }
  }

  #admit(arrived: { request: ParsedRequest; answer: Answer; prompt: ReadPrompt }): void {
    const { answer, prompt } = arrived;
    this.#options.counts.prompt(prompt.source);
    const flight = new Flight(this.#nextId++, { ...arrived, isSplit: this.#options.isSplit });
    this.#flights.set(flight.id, flight);
    answer.onAbort(() => this.#aborted(flight));
    this.#route(flight);
  }

  /** A held request was given a candidate; for `PolicyHostOptions.onRelease`. */
  released(id: number, candidate: number): void {
    const flight = this.#flights.get(id);
    if (flight !== undefined) this.#dispatch(flight, candidate);
  }

  /** A held request cannot be routed any more; for `PolicyHostOptions.onFault`. */
  refused(id: number, error: unknown): void {
    const flight = this.#flights.get(id);
    if (flight !== undefined) this.#unroutable(flight, error);
  }

  /** A worker died or came back. */
  setAlive(candidate: number, alive: boolean): void {
    this.#tellHost((nowNs) => this.#options.host.setAlive(candidate, alive, nowNs));
  }

  /** Ends everything in flight at once. */
  close(): void {
    for (const flight of [...this.#flights.values()]) {
      flight.exchange?.abort();
      flight.answer.destroy();
      this.#end(flight);
    }
  }

  #route(flight: Flight): void {
    const { host, counts } = this.#options;
    let candidate: number;
    try {
      candidate = host.route(flight.leg, monotonicNs(), flight.tried);
    } catch (error) {
      this.#unroutable(flight, error);
      return;
    }
    if (candidate === HOLD) counts.count("held");
    else this.#dispatch(flight, candidate);
  }

  #dispatch(flight: Flight, candidate: number): void {
    const { host, links, counts } = this.#options;
    const link = links[candidate]!;
    const isDecode = flight.prefilled !== undefined;
    // Overlap saves a prefill: that of a decode worker is none.
    if (!isDecode) {
      flight.overlapBlocks = host.view.overlapBlocks[candidate]!;
      if (host.readsOverlap) flight.expected = expectationOf(host.view, flight, candidate);
    }
    link.requests += 1;
    try {
      if (flight.leg.stage === "prefill") this.#sendPrefill(flight, link, candidate);
      else this.#send(flight, link, candidate);
    } catch (error) {
      badRequest(flight.answer, `Cannot pass the request on: ${messageOf(error)}`);
      this.#end(flight);
      return;
    }
    // The request is with the kernel; what is left of the decision happens while the worker works.
    const cost = flight.cost(host.lastCost);
    // Quantiles are those of a whole decision, with the prompt read.
    if (isDecode) counts.count("decisions");
    else counts.decision(cost);
    this.#logDecision(flight, candidate, cost);
  }

  #send(flight: Flight, link: WorkerLink, candidate: number): void {
    const { target } = flight;
    const { body, headroom } = flight.outgoing;
    const headers = passedOn(flight.headers);
    const request = { method: "POST", path: target, headers, body, headroom };
    flight.exchange = link.client.exchange(request, {
      head: (head) => this.#head(flight, { head, link }),
      data: (bytes) => {
        if (!flight.hadToken) this.#firstData(flight);
        flight.relay?.data(bytes);
      },
      end: () => {
        flight.relay?.end();
        this.#end(flight);
      },
      fail: (failure) => this.#failed(flight, { failure, link, candidate }),
    });
  }

  #sendPrefill(flight: Flight, link: WorkerLink, candidate: number): void {
    flight.exchange = sendPrefill(flight, link, {
      headers: passedOn(flight.headers),
      on: {
        done: (handoff) => this.#prefilled(flight, link, handoff),
        refused: (head) => this.#head(flight, { head, link }),
        data: (bytes) => flight.relay?.data(bytes),
        end: () => {
          flight.relay?.end();
          this.#end(flight);
        },
        fail: (failure) => this.#failed(flight, { failure, link, candidate }),
      },
    });
  }

  /** The decode worker is picked now that the prompt is computed, as by Dynamo (1.6). */
  #prefilled(flight: Flight, link: WorkerLink, handoff: KvHandoff | undefined): void {
    const { host } = this.#options;
    this.#tellHost((nowNs) => host.firstToken(flight.id, nowNs, "prefill"));
    this.#tellHost((nowNs) => host.ended(flight.id, nowNs, "prefill"));
    if (handoff === undefined) {
      const message = `${link.worker.id} (${link.worker.url}) answered without kv_transfer_params`;
      answerError(flight.answer, 502, { type: "upstream_error", message });
      this.#end(flight);
      return;
    }
    flight.beginDecode({ link, handoff });
    this.#route(flight);
  }

  /** The prefill worker keeps the prompt's KV for nobody. */
  #letGo({ prefilled }: Flight): void {
    if (prefilled !== undefined) releaseKv(prefilled.link, prefilled.handoff);
  }

  #head(flight: Flight, { head, link }: { head: ResponseHead; link: WorkerLink }): void {
    const isError = head.status >= 400;
    flight.hadToken = isError; // an error's body carries no token
    if (isError) this.#letGo(flight);
    const { expected } = flight;
    const added = {
      "x-dynbench-routed-to": link.worker.id,
      "x-dynbench-overlap-blocks": String(flight.overlapBlocks),
      ...(flight.prefilled === undefined
        ? {}
        : { "x-dynbench-prefill-worker": flight.prefilled.link.worker.id }),
      ...(expected && {
        "x-dynbench-expected-tokens": `${expected.tokens}/${expected.bestTokens}`,
      }),
    };
    flight.relay = new Relay(flight.answer, { head, added });
  }

  #firstData(flight: Flight): void {
    flight.hadToken = true;
    this.#tellHost((nowNs) => this.#options.host.firstToken(flight.id, nowNs));
  }

  #failed(
    flight: Flight,
    { failure, link, candidate }: { failure: ExchangeFailure; link: WorkerLink; candidate: number },
  ): void {
    const { counts, log } = this.#options;
    const why = `${link.worker.id} (${link.worker.url}): ${failure.message}`;
    if (failure.kind === "connect") {
      if (link.alive) log.warn(`No requests to ${why}`);
      link.died(failure.message);
    }
    if (flight.relay !== undefined) {
      counts.count("brokenStreams");
      flight.relay.fail(`The answer broke off: ${why}`);
      this.#end(flight);
      return;
    }
    flight.tried = new Set(flight.tried).add(candidate);
    const mayRetry = failure.kind === "connect" || failure.kind === "disconnected";
    if (mayRetry && flight.tried.size < MAX_TRIES) {
      counts.count("retries");
      if (flight.prefilled !== undefined) {
        this.#letGo(flight);
        flight.beginPrefill(); // what the decode worker had read is lost, and maybe given up already
      }
      this.#route(flight);
      return;
    }
    const message = `No worker answered: ${why}`;
    answerError(flight.answer, 502, { type: "upstream_error", message });
    this.#end(flight);
  }

  #unroutable(flight: Flight, error: unknown): void {
    if (error instanceof NoWorkerFault) {
      this.#options.counts.count("unavailable");
      const message = `No worker can take the request: ${this.#workerStates(flight)}`;
      answerError(flight.answer, 503, { type: "no_worker_available", message });
    } else {
      this.#policyFault(error);
      answerError(flight.answer, 500, { type: "policy_fault", message: messageOf(error) });
    }
    this.#end(flight);
  }

  #workerStates(flight: Flight): string {
    const states = this.#options.links.map(({ worker, alive, lastFailure }, i) => {
      const tried = flight.tried?.has(i) === true ? "did not answer" : "alive";
      const state = alive ? tried : `is dead, ${lastFailure}`;
      return { role: worker.role, text: `${worker.id} (${worker.url}) ${state}` };
    });
    const { stage } = flight.leg;
    return states.flatMap(({ role, text }) => (role === stage ? [text] : [])).join("; ");
  }

  #aborted(flight: Flight): void {
    this.#options.counts.count("aborted");
    flight.exchange?.abort();
    this.#end(flight);
  }

  #end(flight: Flight): void {
    if (flight.over) return;
    flight.over = true;
    this.#flights.delete(flight.id);
    // A decode worker that has begun to answer has let go itself.
    if (flight.relay === undefined) this.#letGo(flight);
    this.#tellHost((nowNs) => this.#options.host.ended(flight.id, nowNs));
  }

  /** A policy that fails in a hook is told, and costs no request that is under way. */
  #tellHost(tell: (nowNs: number) => void): void {
    try {
      tell(monotonicNs());
    } catch (error) {
      this.#policyFault(error);
    }
  }

  #policyFault(error: unknown): void {
    const { counts, log } = this.#options;
    const message = messageOf(error);
    if (counts.sinceReset.policyFaults === 0) {
      log.error(error instanceof PolicyFault ? message : `Cannot route: ${message}`);
    }
    counts.policyFault(message);
  }

  #logDecision(flight: Flight, candidate: number, cost: ReturnType<Flight["cost"]>): void {
    const { host, decisions } = this.#options;
    if (decisions === undefined) return;
    const us = (ns: number): number => Math.round(ns / 100) / 10;
    const costUs = {
      scan: us(cost.scan),
      tokeniseWait: us(cost.tokeniseWait),
      tokenise: us(cost.tokenise),
      hash: us(cost.hash),
      lookup: us(cost.lookup),
      score: us(cost.score),
    };
    const { retries, requestId } = flight;
    decisions.add({
      ...(this.cell === undefined ? {} : { cell: this.cell }),
      ...(requestId === undefined ? {} : { requestId }),
      ...decisionOf(host.view, { request: flight.leg, candidate, costUs, retries }),
    });
  }
}

function badRequest(answer: Answer, message: string): void {
  answerError(answer, 400, { type: "invalid_request_error", message });
}

/** The client's headers without those that belong to its connection with us. */
function passedOn(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { host: _, expect: __, ...passed } = headers;
  return passed;
}
