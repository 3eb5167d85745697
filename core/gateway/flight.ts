/** One request on its way through the gateway, from its arrival to the last byte of its answer. */
import type { Exchange } from "../wire/http/client.ts";
import type { Expectation } from "../contract/record.ts";
import type { WorkerRole } from "../contract/request.ts";
import { atStage } from "../routing/stage.ts";
import type { RouteRequest } from "../contract/routing-policy.ts";
import type { PromptField } from "./body-scan.ts";
import type { DecisionCost } from "./cost-samples.ts";
import type { Answer, ParsedRequest } from "./http-server.ts";
import { decodeBody, type KvHandoff } from "./kv-handoff.ts";
import type { ReadPrompt } from "./prompt-reader.ts";
import type { Relay } from "./relay.ts";
import type { WorkerLink } from "./worker-link.ts";

/** What differs between the paths where requests come in. */
export interface Endpoint {
  readonly promptField: PromptField;
}

export class Flight implements RouteRequest {
  readonly id: number;
  /** Path and query, as the client sent them. */
  readonly target: string;
  readonly body: Uint8Array;
  /** See `ParsedRequest.headroom`. */
  readonly headroom: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly answer: Answer;
  readonly blocks: Int32Array;
  readonly isl: number;
  readonly osl: number;
  readonly stage: WorkerRole = "aggregated";
  readonly session?: string;
  readonly key?: string;
  readonly priority: number;
  readonly prompt: ReadPrompt;
  /** What the policy is asked about: the request, or where workers are split its present stage. */
  leg: RouteRequest;
  /** The prompt's KV and the prefill worker that keeps it, while the request is in its decode stage. */
  prefilled: { readonly link: WorkerLink; readonly handoff: KvHandoff } | undefined;
  /** Candidates of the present stage that could not be reached; undefined before the first failure. */
  tried: Set<number> | undefined;
  #triedInOtherStage: Set<number> | undefined;
  /** Blocks believed cached where it went. */
  overlapBlocks = 0;
  /** The same in tokens, and the most there was; undefined where the policy does not look. */
  expected: Expectation | undefined;
  exchange: Exchange | undefined;
  /** There since the worker's answer began: no second try from here on. */
  relay: Relay | undefined;
  hadToken = false;
  over = false;

  constructor(
    id: number,
    arrived: {
      request: ParsedRequest;
      answer: Answer;
      prompt: ReadPrompt;
      isSplit: boolean;
    },
  ) {
    const { request, answer, prompt, isSplit } = arrived;
    const { target, body, headroom, headers } = request;
    this.id = id;
    this.target = target;
    this.body = body;
    this.headroom = headroom;
    this.headers = headers;
    this.answer = answer;
    this.prompt = prompt;
    this.blocks = prompt.blocks;
    this.isl = prompt.isl;
    this.osl = prompt.osl;
    this.priority = prompt.priority;
    const key = headers["x-dynbench-key"];
    const session = headers["x-session-id"];
    if (key !== undefined || session !== undefined) this.key = (key ?? session)!;
    if (session !== undefined) this.session = session;
    this.leg = isSplit ? atStage(this, "prefill") : this;
  }

  beginDecode(prefilled: NonNullable<Flight["prefilled"]>): void {
    this.prefilled = prefilled;
    this.#changeStage("decode");
  }

  /** What was prefilled is lost. */
  beginPrefill(): void {
    this.prefilled = undefined;
    this.#changeStage("prefill");
  }

  /** What a worker is sent that answers the client. */
  get outgoing(): { readonly body: Uint8Array; readonly headroom: number | undefined } {
    const { body, headroom, prefilled } = this;
    if (prefilled === undefined) return { body, headroom };
    return { body: decodeBody(body, prefilled.handoff), headroom: undefined };
  }

  #changeStage(stage: WorkerRole): void {
    this.leg = atStage(this, stage);
    const { tried } = this;
    this.tried = this.#triedInOtherStage;
    this.#triedInOtherStage = tried;
  }

  get requestId(): string | undefined {
    return this.headers["x-request-id"];
  }

  get retries(): number {
    return this.tried?.size ?? 0;
  }

  prefixHash(tokens: number): number {
    return this.prompt.prefixHash(tokens);
  }

  /** Of the present pick: the prompt is read once, for the first. */
  cost(decided: { lookupNs: number; scoreNs: number }): DecisionCost {
    const { scanNs, tokeniseWaitNs, tokeniseNs, hashNs } =
      this.prefilled === undefined ? this.prompt : NOT_READ;
    return {
      scan: scanNs,
      tokeniseWait: tokeniseWaitNs,
      tokenise: tokeniseNs,
      hash: hashNs,
      lookup: decided.lookupNs,
      score: decided.scoreNs,
    };
  }
}

const NOT_READ = { scanNs: 0, tokeniseWaitNs: 0, tokeniseNs: 0, hashNs: 0 };
