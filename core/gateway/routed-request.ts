/** One request on its way through the gateway, from its arrival to the last byte of its answer. */
import type { Exchange } from "../wire/http/client.ts";
import type { Expectation } from "../contract/record.ts";
import type { WorkerRole } from "../contract/request.ts";
import type { RouteRequest } from "../contract/routing-policy.ts";
import { RequestLife, type LifeCommands } from "../routing/request-life.ts";
import type { DecisionCost } from "./cost-samples.ts";
import type { Answer, ParsedRequest } from "./http-server.ts";
import type { KvHandoff } from "./kv-handoff.ts";
import type { ReadPrompt } from "./prompt-reader.ts";
import type { Relay } from "./relay.ts";

/** A request whose prompt has been read. */
export interface ReadRequest {
  readonly request: ParsedRequest;
  readonly answer: Answer;
  readonly prompt: ReadPrompt;
}

export class RoutedRequest implements RouteRequest {
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
  readonly life: RequestLife<RoutedRequest>;
  /** Where `life.prefillWorker` keeps the prompt's KV; from the last prefill that ended. */
  handoff: KvHandoff | undefined;
  /** Blocks believed cached where it went. */
  overlapBlocks = 0;
  /** The same in tokens, and the most there was; undefined where the policy does not read overlaps. */
  expected: Expectation | undefined;
  /** With the worker that has the request, or had it last. */
  exchange: Exchange | undefined;
  /** Passes the worker's answer on; from its head on. */
  relay: Relay | undefined;

  constructor(
    id: number,
    { request, answer, prompt }: ReadRequest,
    life: { readonly isSplit: boolean; readonly commands: LifeCommands<RoutedRequest> },
  ) {
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
    this.life = new RequestLife<RoutedRequest>(this, life);
  }

  get requestId(): string | undefined {
    return this.headers["x-request-id"];
  }

  prefixHash(tokens: number): number {
    return this.prompt.prefixHash(tokens);
  }

  /** Of the present pick: the prompt is read once, for the first. */
  cost(decided: { lookupNs: number; scoreNs: number }): DecisionCost {
    const { scanNs, tokeniseWaitNs, tokeniseNs, hashNs } =
      this.life.stage === "decode" ? NOT_READ : this.prompt;
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
