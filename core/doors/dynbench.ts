/**
 * What every plugin imports, as the package `dynbench`: how a plugin of each kind is defined, and
 * what a routing policy and a workload need. Bundled plugins use the same doors as those of others.
 *
 * Behind `dynbench/engine` is what starts processes and servers, behind `dynbench/report` what reads
 * results, behind `dynbench/trace` what reads traces.
 */
export * as v from "valibot";
export { DynbenchError, messageOf, type ErrorCode } from "../base/errors.ts";
export { given, type Given } from "../base/given.ts";
export { cos, exp, log, pow, roundHalfEven } from "../base/portable-math.ts";
export { deriveSeed, randomStream, type RandomStream } from "../base/random.ts";
export { whyNot } from "../base/why-not.ts";
export { defineEngine } from "../contract/engine.ts";
export type { LoadShape } from "../contract/plan.ts";
export { API_VERSION, type OptionMetadata, type OptionsSchema } from "../contract/plugin.ts";
export type { AnyPlugin } from "../contract/plugins.ts";
export { defineReporter } from "../contract/reporter.ts";
export type {
  AnswerSegment,
  ContentSegment,
  RequestSpec,
  Segment,
  WireForm,
} from "../contract/request.ts";
export { defineRouter, type Router, type RouterTraits } from "../contract/router.ts";
export {
  HOLD,
  type Candidate,
  type RouteRequest,
  type RoutingPolicy,
  type RoutingView,
} from "../contract/routing-policy.ts";
export { defineWorkload, type Workload, type WorkloadContext } from "../contract/workload.ts";
export { chooseLeast, chooseSoftly } from "../routing/choose.ts";
export { readLines, type LineBatch } from "../system/read-lines.ts";
export { drawLength } from "../workload/draw-length.ts";
