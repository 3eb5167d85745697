/**
 * The gateway's side of the life of a request (`routing/request-life.ts`): reads the prompt, asks the
 * policy host, exchanges with workers, and reports what they do as events of the life.
 */
import { monotonicNs } from "../system/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { ExchangeFailure, ResponseHead } from "../wire/http/client.ts";
import type { Logger } from "../contract/processes.ts";
import { decisionOf } from "../routing/decision.ts";
import { expectationOf } from "../routing/expectation.ts";
import type { PolicyHost } from "../routing/host.ts";
import { NOWHERE, type LifeCommands, type RouterError } from "../routing/request-life.ts";
import { PolicyFault } from "../routing/routing-fault.ts";
import { HOLD } from "../contract/routing-policy.ts";
import type { PromptField } from "./body-scan.ts";
import type { DecisionCost } from "./cost-samples.ts";
import type { DecisionLog } from "./decision-log.ts";
import type { Answer, ParsedRequest } from "./http-server.ts";
import type { GatewayCounts } from "./gateway-counts.ts";
import { answerError } from "./openai-error.ts";
import type { PromptReader, ReadPrompt } from "./prompt-reader.ts";
import { Relay } from "./relay.ts";
import { RoutedRequest, type ReadRequest } from "./routed-request.ts";
import { TokeniseFault } from "./tokenise-pool.ts";
import type { WorkerLink } from "./worker-link.ts";
import {
  sendForAnswer,
  sendForPrefill,
  sendRelease,
  type PrefillEvents,
} from "./worker-requests.ts";

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
  readonly #requests = new Map<number, RoutedRequest>();
  readonly #life: { readonly isSplit: boolean; readonly commands: LifeCommands<RoutedRequest> };
  #nextId = 0;
  /** Requests whose prompts are being tokenised on a thread. */
  #tokenising = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { host, counts } = options;
    const commands: LifeCommands<RoutedRequest> = {
      route: (request) => this.#route(request),
      send: (request, candidate) => this.#send(request, candidate),
      retried: () => counts.count("retries"),
      prefillEnded: ({ id }) => {
        this.#notifyHost((nowNs) => host.firstToken(id, nowNs, "prefill"));
        this.#notifyHost((nowNs) => host.ended(id, nowNs, "prefill"));
      },
      firstToken: ({ id }) => this.#notifyHost((nowNs) => host.firstToken(id, nowNs)),
      releaseKv: (request) => this.#releaseKv(request),
      policyFailed: (error) => this.#policyFailed(error),
      answerError: (request, error) => this.#answerError(request, error),
      breakOff: ({ relay }, message) => {
        counts.count("brokenStreams");
        relay!.fail(message);
      },
      cancel: ({ exchange }) => exchange?.abort(),
      ended: ({ id }) => {
        this.#requests.delete(id);
        this.#notifyHost((nowNs) => host.ended(id, nowNs));
      },
    };
    this.#life = { isSplit: options.isSplit, commands };
  }

  get inFlight(): number {
    return this.#requests.size + this.#tokenising;
  }

  /** Answers the request, now or when a worker has. `field`: where its path has the prompt. */
  handle(request: ParsedRequest, answer: Answer, field: PromptField): void {
    const { reader, counts } = this.#options;
    counts.count("requests");
    const prompt = reader.read(request.body, field);
    if (prompt === undefined) {
      const message = "Cannot read the request: the body is not a JSON object";
      answerError(answer, 400, { type: "invalid_request_error", message });
    } else if (prompt instanceof Promise) void this.#await(prompt, { request, answer });
    else this.#admit({ request, answer, prompt });
  }

  /** A held request was given a candidate; for `PolicyHostOptions.onRelease`. */
  released(id: number, candidate: number): void {
    this.#requests.get(id)?.life.routed(candidate);
  }

  /** A held request cannot be routed any more; for `PolicyHostOptions.onFault`. */
  refused(id: number, error: unknown): void {
    this.#requests.get(id)?.life.unroutable(error);
  }

  /** A worker died or came back. */
  setAlive(candidate: number, alive: boolean): void {
    this.#notifyHost((nowNs) => this.#options.host.setAlive(candidate, alive, nowNs));
  }

  /** Ends everything in flight at once. */
  close(): void {
    for (const { answer, life } of [...this.#requests.values()]) {
      answer.destroy();
      life.aborted();
    }
  }

  /** The prompt is tokenised on a thread; meanwhile the client may leave. */
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

  #admit(read: ReadRequest): void {
    const { counts } = this.#options;
    counts.prompt(read.prompt.source);
    const request = new RoutedRequest(this.#nextId++, read, this.#life);
    this.#requests.set(request.id, request);
    read.answer.onAbort(() => {
      counts.count("aborted");
      request.life.aborted();
    });
    request.life.arrived();
  }

  #route({ life }: RoutedRequest): void {
    const { host, counts } = this.#options;
    let candidate: number;
    try {
      candidate = host.route(life.stageRequest, monotonicNs(), life.tried);
    } catch (error) {
      life.unroutable(error);
      return;
    }
    if (candidate === HOLD) {
      counts.count("held");
      life.held();
    } else life.routed(candidate);
  }

  #send(request: RoutedRequest, candidate: number): void {
    const { host, links, counts } = this.#options;
    const { life } = request;
    const link = links[candidate]!;
    const isDecode = life.stage === "decode";
    // Overlap saves a prefill: that of a decode worker saves none.
    if (!isDecode) {
      request.overlapBlocks = host.view.overlapBlocks[candidate]!;
      if (host.readsOverlap) request.expected = expectationOf(host.view, request, candidate);
    }
    link.requests += 1;
    const send = life.stage === "prefill" ? sendForPrefill : sendForAnswer;
    try {
      request.exchange = send(request, link, this.#eventsOf(request, link));
    } catch (error) {
      life.unsendable(`Cannot pass the request on: ${messageOf(error)}`);
      return;
    }
    // The request is with the kernel; what is left of the decision happens while the worker works.
    const cost = request.cost(host.lastCost);
    // Quantiles are those of a whole decision, with the prompt read.
    if (isDecode) counts.count("decisions");
    else counts.decision(cost);
    this.#logDecision(request, candidate, cost);
  }

  /** What becomes of a worker's answer. */
  #eventsOf(request: RoutedRequest, link: WorkerLink): PrefillEvents {
    const { life } = request;
    return {
      head: (head) => this.#head(request, { head, link }),
      data: (bytes) => {
        if (!life.hasToken) life.firstToken();
        request.relay?.data(bytes);
      },
      end: () => {
        request.relay?.end();
        life.finished();
      },
      prefilled: (handoff) => {
        request.handoff = handoff;
        const { id, url } = link.worker;
        life.prefilled(
          handoff === undefined ? `${id} (${url}) answered without kv_transfer_params` : undefined,
        );
      },
      fail: (failure) => this.#failed(request, { failure, link }),
    };
  }

  #head(request: RoutedRequest, { head, link }: { head: ResponseHead; link: WorkerLink }): void {
    const { life, expected, answer, overlapBlocks } = request;
    // The answer of a prefill worker comes here only where it is a refusal.
    if (head.status >= 400 || life.stage === "prefill") life.refused();
    else life.answered();
    const added = {
      "x-dynbench-routed-to": link.worker.id,
      "x-dynbench-overlap-blocks": String(overlapBlocks),
      ...(life.prefillWorker === NOWHERE
        ? {}
        : { "x-dynbench-prefill-worker": this.#options.links[life.prefillWorker]!.worker.id }),
      ...(expected && {
        "x-dynbench-expected-tokens": `${expected.tokens}/${expected.bestTokens}`,
      }),
    };
    request.relay = new Relay(answer, { head, added });
  }

  #failed(
    { life }: RoutedRequest,
    { failure, link }: { failure: ExchangeFailure; link: WorkerLink },
  ): void {
    const { kind, message } = failure;
    const why = `${link.worker.id} (${link.worker.url}): ${message}`;
    if (kind === "connect") {
      if (link.alive) this.#options.log.warn(`No requests to ${why}`);
      link.died(message);
    }
    life.lost(why, kind === "connect" || kind === "disconnected");
  }

  #releaseKv({ life, handoff }: RoutedRequest): void {
    sendRelease(this.#options.links[life.prefillWorker]!, handoff!);
  }

  #answerError({ answer, life }: RoutedRequest, { status, type, message }: RouterError): void {
    if (type !== "no_worker_available") return answerError(answer, status, { type, message });
    this.#options.counts.count("unavailable");
    const states = this.#workerStates(life);
    answerError(answer, status, { type, message: `No worker can take the request: ${states}` });
  }

  /** Of the workers of the request's present stage: where they are and why they are not used. */
  #workerStates({ stage, tried }: RoutedRequest["life"]): string {
    const states = this.#options.links.map(({ worker, alive, lastFailure }, i) => {
      const ifAlive = tried?.has(i) === true ? "did not answer" : "alive";
      const state = alive ? ifAlive : `is dead, ${lastFailure}`;
      return { role: worker.role, text: `${worker.id} (${worker.url}) ${state}` };
    });
    return states.flatMap(({ role, text }) => (role === stage ? [text] : [])).join("; ");
  }

  /** A policy that fails in a hook is logged and counted, and costs no request that is under way. */
  #notifyHost(notify: (nowNs: number) => void): void {
    try {
      notify(monotonicNs());
    } catch (error) {
      this.#policyFailed(error);
    }
  }

  #policyFailed(error: unknown): void {
    const { counts, log } = this.#options;
    const message = messageOf(error);
    if (counts.sinceReset.policyFaults === 0) {
      log.error(error instanceof PolicyFault ? message : `Cannot route: ${message}`);
    }
    counts.policyFault(message);
  }

  #logDecision(request: RoutedRequest, candidate: number, cost: DecisionCost): void {
    const { host, decisions } = this.#options;
    if (decisions === undefined) return;
    const { requestId, life } = request;
    const made = { request: life.stageRequest, candidate, retries: life.retries };
    decisions.add({
      ...(this.cell === undefined ? {} : { cell: this.cell }),
      ...(requestId === undefined ? {} : { requestId }),
      ...decisionOf(host.view, { ...made, costUs: microseconds(cost) }),
    });
  }
}

/** To one decimal, in the order of the log. */
function microseconds(cost: DecisionCost): DecisionCost {
  const us = (ns: number): number => Math.round(ns / 100) / 10;
  return {
    scan: us(cost.scan),
    tokeniseWait: us(cost.tokeniseWait),
    tokenise: us(cost.tokenise),
    hash: us(cost.hash),
    lookup: us(cost.lookup),
    score: us(cost.score),
  };
}
