/** The contract of a workload: which requests are sent, in which order, with which contents. */
import type * as v from "valibot";
import type { LoadShape } from "./plan.ts";
import { API_VERSION, type OptionsSchema, type PluginBase } from "./plugin.ts";
import type { RandomStream } from "../base/random.ts";
import type { RequestSpec } from "./request.ts";

export interface WorkloadContext<Rows> {
  /** What `read` returned. */
  readonly rows: Rows;
  /** Of this cell's seed; the same for all arms. */
  readonly random: RandomStream;
  /** Requests the load will send, warm-up included; undefined: as many as the workload has. */
  readonly count: number | undefined;
}

export interface Workload<
  Schema extends OptionsSchema = OptionsSchema,
  Rows = unknown,
> extends PluginBase<Schema> {
  readonly kind: "workload";
  /** Load shape unless the user says otherwise. */
  readonly load: Partial<LoadShape>;
  /** Faults that only several options together show. */
  check?(
    options: v.InferOutput<Schema>,
  ): readonly { path: string; message: string; hint?: string }[];
  /** The only effect of a workload: reading its files. Digests go into the plan. */
  read?(options: v.InferOutput<Schema>, signal: AbortSignal): Promise<Rows>;
  /** Its prompts may hold answers (`answerOf`), so the load must be able to read them. */
  readonly usesAnswers?: boolean;
  /** What `read` found out that a user should know, one sentence each; told by plan and run. */
  notes?(options: v.InferOutput<Schema>, rows: Rows): readonly string[];
  /** Pure: the same options, rows and random stream give the same requests, on every machine. */
  requests(
    options: v.InferOutput<Schema>,
    context: WorkloadContext<Rows>,
  ): Iterable<RequestSpec> | AsyncIterable<RequestSpec>;
}

export function defineWorkload<Schema extends OptionsSchema, Rows = undefined>(
  workload: Omit<Workload<Schema, Rows>, "kind">,
): Workload<Schema, Rows> {
  return { kind: "workload", apiVersion: API_VERSION, ...workload };
}
