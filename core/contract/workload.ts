/** The contract of a workload: which requests are sent, in which order, with which contents. */
import type * as v from "valibot";
import type { LoadShape } from "./plan.ts";
import { API_VERSION, type OptionsSchema, type PluginBase } from "./plugin.ts";
import type { RandomStream } from "../base/random.ts";
import type { RequestSpec } from "./request.ts";

export interface WorkloadContext<Rows> {
  /** What `read` returned. */
  readonly rows: Rows;
  /** Random stream of this cell's seed, which is the same for all arms. */
  readonly random: RandomStream;
  /** How many requests the load will send, including warm-up; undefined: all that the workload has. */
  readonly count: number | undefined;
}

export interface Workload<
  Schema extends OptionsSchema = OptionsSchema,
  Rows = unknown,
> extends PluginBase<Schema> {
  readonly kind: "workload";
  /** Defaults of the load shape. */
  readonly load: Partial<LoadShape>;
  /** Faults in the combination of options. `path` is the option's key. */
  check?(
    options: v.InferOutput<Schema>,
  ): readonly { path: string; message: string; hint?: string }[];
  /**
   * The options of the points of a sweep, one each, made so that every point is treated alike: points
   * that are compared must differ in nothing but what was swept.
   */
  alike?(points: readonly v.InferOutput<Schema>[]): readonly v.InferOutput<Schema>[];
  /** Reads the workload's files: its only effect. The plan records their digests. */
  read?(options: v.InferOutput<Schema>, signal: AbortSignal): Promise<Rows>;
  /** Its prompts may contain answers (`answerOf`), so the load must keep the tokens of answers. */
  readonly usesAnswers?: boolean;
  /** What a user should know about the rows, one sentence each; printed by plan and run. */
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
