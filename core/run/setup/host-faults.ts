/** Faults and notes of this machine and its environment for a plan, before anything starts. Pure. */
import { given } from "../../base/given.ts";
import { counted } from "../../base/counted.ts";
import type { Fault } from "../../base/errors.ts";
import type { Plan, PlannedArm, PlannedCell } from "../../contract/plan.ts";
import type { Engine } from "../../contract/engine.ts";
import type { Router } from "../../contract/router.ts";
import type { Plugins } from "../../contract/plugins.ts";
import { concurrencyWithin } from "../../process/file-limit.ts";
import { proxyVariables } from "../../process/proxies.ts";

export interface Host {
  /** Open files that a process may have; undefined where the system does not report it. */
  readonly fileLimit: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Below, an open loop without a bound meets the limit before it is hopelessly saturated. */
const LOW_LIMIT = 4096;

/** Loads that hold more requests in flight than files may be open: they would wait for ever, unseen. */
export function hostFaults(
  plan: Plan,
  plugins: Pick<Plugins, "find">,
  { fileLimit }: Host,
): Fault[] {
  if (plan.clock === "virtual" || fileLimit === undefined) return [];
  const most = Math.min(...plan.arms.map((arm) => concurrencyOf(arm, plugins, fileLimit)));
  const wanted = Math.max(...plan.cells.map(inFlight));
  if (wanted <= most) return [];
  const raise = `Raise the limit (ulimit -n ${enoughFor(wanted)})`;
  return [
    {
      path: "load.concurrency",
      message: `open files are limited to ${fileLimit} a process here, too few for ${counted(wanted, "request")} in flight`,
      // Where not even one request fits, nothing but the limit helps.
      hint:
        most < 1
          ? `${raise}, in a new shell or as root where this one may not`
          : `${raise}, or use --concurrency ${most}`,
    },
  ];
}

/** Notes that are logged before the run. */
export function hostNotes(
  plan: Plan,
  plugins: Pick<Plugins, "find">,
  { fileLimit, env }: Host,
): string[] {
  if (plan.clock === "virtual") return [];
  const proxies = proxyVariables(env);
  const isUnbounded = plan.cells.some(({ load }) => load.concurrency === undefined);
  return [
    ...(proxies.length > 0
      ? [`${proxies.join(", ")}: not used for engines and routers, nor by them on this machine`]
      : []),
    ...(isUnbounded && fileLimit !== undefined && fileLimit < LOW_LIMIT
      ? [
          `open files: ${fileLimit}, enough for ${Math.min(...plan.arms.map((arm) => concurrencyOf(arm, plugins, fileLimit)))} requests in flight, and the load has no bound; raise it (ulimit -n 65536), or bound it: --concurrency`,
        ]
      : []),
  ];
}

function inFlight({ load }: PlannedCell): number {
  const all = load.requests === undefined ? Infinity : load.requests + load.warmup;
  return Math.min(load.concurrency ?? 0, all);
}

function concurrencyOf(
  { engine, router }: PlannedArm,
  plugins: Pick<Plugins, "find">,
  limit: number,
): number {
  const engineOf = plugins.find("engine", engine.name)?.plugin as Engine | undefined;
  const routerOf = plugins.find("router", router.name)?.plugin as Router | undefined;
  const workers = engineOf?.limits?.(engine.options).workers;
  const hasRouter =
    routerOf === undefined ||
    routerOf.policy !== undefined ||
    (routerOf.processes?.(router.options, workers ?? 1).length ?? 0) > 0;
  return concurrencyWithin(limit, { hasRouter, ...given({ workers }) });
}

/** The next power of two above what so many requests take, with room for every router. */
function enoughFor(requests: number): number {
  let limit = 2 * LOW_LIMIT;
  while (concurrencyWithin(limit, { hasRouter: true, workers: 64 }) < requests) limit *= 2;
  return limit;
}
