/**
 * One request on its way through a simulation, from its sending to its record: what the policy and
 * the worker see of it, and its stamps as the client takes them.
 */
import { prefixHash } from "../routing/kv/segment-blocks.ts";
import type { BlocksOfRequest } from "../routing/kv/segment-blocks.ts";
import {
  plannedRecord,
  type Expectation,
  type RequestError,
  type RequestRecord,
} from "../contract/record.ts";
import type { RequestSpec, WorkerRole } from "../contract/request.ts";
import { NOWHERE, RequestLife, type LifeCommands } from "../routing/request-life.ts";
import type { RouteRequest } from "../contract/routing-policy.ts";
import type { WorkerRequest } from "../contract/worker-model.ts";

export class SimRequest implements RouteRequest, WorkerRequest {
  readonly spec: RequestSpec;
  readonly id: number;
  readonly isl: number;
  readonly osl: number;
  readonly stage: WorkerRole = "aggregated";
  /** Where prefill and decode are split: a decode worker gets it with its prompt's KV. */
  readonly handoff?: "receive";
  readonly priority: number;
  readonly key?: string;
  readonly session?: string;
  readonly blocks: Int32Array;
  readonly phase: RequestRecord["phase"];
  readonly intendedNs: number;
  readonly sentNs: number;
  /** Time on the wire, each way. */
  readonly networkNs: number;
  /** Slot of the load that it occupies. */
  readonly lane: number;
  /** Router replica it is sent to. */
  readonly replica: number;

  readonly life: RequestLife<SimRequest>;
  /** It is at `life.worker`, which has not finished it. */
  isSubmitted = false;
  cachedTokens: number | undefined;
  expected: Expectation | undefined;
  firstTokenNs: number | undefined;
  /** What it was answered in place of tokens; from then on, on its way to the client. */
  error:
    | {
        readonly error: RequestError;
        readonly status: number | undefined;
        /** Its router's own error, else its worker's. */
        readonly byRouter: boolean;
      }
    | undefined;
  /** Tokens made before the worker's step counter stood at `stepsAtJoin`; it decodes since then. */
  tokensBefore = 0;
  stepsAtJoin = NaN;
  readonly #blockSize: number;
  readonly #answerBlocks: Int32Array;

  constructor(
    spec: RequestSpec,
    sending: {
      readonly blocks: BlocksOfRequest;
      readonly blockSize: number;
      readonly phase: RequestRecord["phase"];
      readonly intendedNs: number;
      readonly sentNs: number;
      readonly lane: number;
      readonly replica: number;
      readonly sendsKey: boolean;
      readonly networkNs: number;
      readonly life: {
        readonly isSplit: boolean;
        readonly commands: LifeCommands<SimRequest>;
      };
    },
  ) {
    this.spec = spec;
    this.id = spec.index;
    this.isl = spec.isl;
    this.osl = spec.osl;
    this.priority = spec.priority ?? 0;
    this.blocks = sending.blocks.blocks;
    this.#answerBlocks = sending.blocks.answerBlocks;
    this.#blockSize = sending.blockSize;
    this.phase = sending.phase;
    this.intendedNs = sending.intendedNs;
    this.sentNs = sending.sentNs;
    this.networkNs = sending.networkNs;
    this.lane = sending.lane;
    this.replica = sending.replica;
    const key = spec.session ?? spec.group;
    if (sending.sendsKey && key !== undefined) this.key = String(key);
    if (spec.session !== undefined) this.session = spec.session;
    if (sending.life.isSplit) this.handoff = "receive";
    this.life = new RequestLife<SimRequest>(this, sending.life);
  }

  prefixHash(tokens: number): number {
    return prefixHash(this.spec.prompt, { tokens, blockSize: this.#blockSize });
  }

  /** Id of full block `index`, filled by the answer: a later prompt that repeats the answer has the same. */
  generatedBlock(index: number): number {
    return this.#answerBlocks[index - this.blocks.length]!;
  }

  /** It makes no more tokens with the worker's steps. */
  stopCounting(steps: number): void {
    if (!Number.isNaN(this.stepsAtJoin)) this.tokensBefore += steps - this.stepsAtJoin;
    this.stepsAtJoin = NaN;
  }

  /** All its tokens have come. */
  completed(cell: string, end: { atNs: number; ids: readonly string[] }): RequestRecord {
    const record = this.#begun(cell);
    record.state = "ok";
    record.endNs = end.atNs;
    record.osl = this.tokensBefore;
    record.status = 200;
    this.#nameWorkers(record, end.ids);
    record.firstTokenNs = this.firstTokenNs!;
    record.lastTokenNs = end.atNs;
    record.promptTokens = this.isl;
    record.cachedTokens = this.cachedTokens!;
    if (this.expected !== undefined) record.expected = this.expected;
    return record;
  }

  /** Ended before its answer was complete; `lastTokenNs` is that of the worker's last step. */
  broken(
    cell: string,
    end: {
      atNs: number;
      lastTokenNs: number;
      status: number | undefined;
      ids: readonly string[];
      error: RequestError;
    },
  ): RequestRecord {
    const record = this.#begun(cell);
    const { firstTokenNs } = this;
    const hasBegun = firstTokenNs !== undefined && firstTokenNs <= end.atNs;
    record.state = end.error.kind === "aborted" ? "aborted" : "failed";
    record.endNs = end.atNs;
    const status = end.status ?? (hasBegun ? 200 : undefined);
    if (status !== undefined) record.status = status;
    if (hasBegun) {
      record.osl = this.tokensBefore;
      this.#nameWorkers(record, end.ids);
      record.firstTokenNs = firstTokenNs;
      record.lastTokenNs = Math.max(firstTokenNs, Math.min(end.lastTokenNs, end.atNs));
      record.promptTokens = this.isl;
      if (this.cachedTokens !== undefined) record.cachedTokens = this.cachedTokens;
    }
    record.error = end.error;
    return record;
  }

  #nameWorkers(record: RequestRecord, ids: readonly string[]): void {
    const { worker, prefillWorker } = this.life;
    if (worker !== NOWHERE) record.worker = ids[worker]!;
    if (prefillWorker !== NOWHERE) record.prefillWorker = ids[prefillWorker]!;
  }

  #begun(cell: string): RequestRecord {
    const record = plannedRecord(cell, this.spec, this.phase, this.intendedNs);
    record.startNs = this.sentNs;
    record.sentNs = this.sentNs;
    return record;
  }
}
