/** The points of a sweep as they are planned: the workload checked, and the load over the workload's defaults. */
import { given } from "../base/given.ts";
import { parseRateProfile, parseSlo, parseTiers, type TextFault } from "./load-texts.ts";
import type { ParsedPoint } from "./parse-options.ts";
import type { TypedPoint } from "./points.ts";
import type { Point } from "./sweep.ts";
import type { LoadShape, PluginUse, RateProfile, ServiceLevel, Tier } from "../contract/plan.ts";
import type { LoadOptions } from "./run-options.ts";
import type { Fault } from "../base/errors.ts";
import type { Workload } from "../contract/workload.ts";

export interface PlannedPoint {
  readonly parameters: Point;
  readonly workload: PluginUse;
  readonly load: LoadShape;
}

/** A point whose options did not pass is left out. */
export function planPoints(
  typed: readonly TypedPoint[],
  parsed: readonly (ParsedPoint | undefined)[],
  faults: Fault[],
): PlannedPoint[] {
  const points = typed.flatMap(({ parameters, workload: { loaded } }, i): PlannedPoint[] => {
    const point = parsed[i];
    if (!point) return [];
    const plugin = loaded.plugin as Workload;
    for (const fault of plugin.check?.(point.workload.options) ?? []) {
      faults.push({ ...fault, path: `workload.${fault.path}` });
    }
    const texts = loadTexts(point.load, faults);
    const load = loadShape(point.load, texts, { workload: plugin, faults });
    return [{ parameters, workload: point.workload, load }];
  });
  const workload = typed[0]?.workload.loaded.plugin as Workload | undefined;
  const alike = workload?.alike?.(points.map((point) => point.workload.options));
  if (alike === undefined) return points;
  return points.map((point, i) => ({
    ...point,
    workload: { ...point.workload, options: alike[i]! },
  }));
}

export function loadTexts(load: LoadOptions, faults: Fault[]): LoadTexts {
  return {
    profile: parsed({ path: "rateProfile", text: load.rateProfile }, parseRateProfile, faults),
    tiers: parsed({ path: "tiers", text: load.tiers }, parseTiers, faults),
    slo: parsed({ path: "slo", text: load.slo }, parseSlo, faults),
  };
}

/** What the options that are languages of their own mean. */
export interface LoadTexts {
  readonly profile: RateProfile | undefined;
  readonly tiers: readonly Tier[] | undefined;
  readonly slo: ServiceLevel | undefined;
}

/** A rate or a rate profile makes the loop open. */
export function loadShape(
  load: LoadOptions,
  { profile, tiers, slo }: LoadTexts,
  { workload, faults }: { workload: Workload; faults: Fault[] },
): LoadShape {
  const preset = workload.load;
  const arrival = load.arrival ?? arrivalOf(load, preset);
  const isTimed = arrival !== "closed" && arrival !== "trace";
  const ownRateRps =
    profile === undefined || profile.kind === "ramp" ? undefined : meanRps(profile);
  const rateRps = load.rate ?? ownRateRps;
  faults.push(...rateFaults(load, { arrival, isTimed, profile, rateRps }));
  const concurrency =
    load.concurrency ?? (arrival === "closed" ? (preset.concurrency ?? 1) : undefined);
  const requests = load.requests ?? preset.requests;
  const concurrencyOf = load.concurrencyOf ?? preset.concurrencyOf;
  return {
    arrival,
    ...given({ concurrency, concurrencyOf, rateRps }),
    ...(arrival === "gamma" ? { burstiness: load.burstiness ?? 1 } : {}),
    ...given({ rateProfile: profile, tiers, slo }),
    ...(load.sendPriority === "off" ? { sendPriority: "off" } : {}),
    ...given({ requests }),
    warmup: load.warmup,
    timeoutS: load.timeout,
  };
}

function arrivalOf(load: LoadOptions, preset: Workload["load"]): LoadShape["arrival"] {
  if (load.burstiness !== undefined) return "gamma";
  if (load.rate !== undefined || load.rateProfile !== undefined) return "poisson";
  return preset.arrival ?? "closed";
}

/** The value of a text option; undefined, with its fault in `faults`, where it has the wrong form. */
function parsed<T extends object>(
  { path, text }: { path: string; text: string | undefined },
  parse: (text: string) => T | TextFault,
  faults: Fault[],
): T | undefined {
  if (text === undefined) return undefined;
  const read = parse(text);
  if (!("fault" in read)) return read;
  faults.push({ path: `load.${path}`, message: read.fault, hint: read.hint });
  return undefined;
}

function meanRps(profile: Exclude<RateProfile, { kind: "ramp" }>): number {
  if (profile.kind === "sine") return (profile.minRps + profile.maxRps) / 2;
  return profile.steps.at(-1)!.rateRps;
}

function rateFaults(
  load: LoadOptions,
  shape: {
    arrival: LoadShape["arrival"];
    isTimed: boolean;
    profile: RateProfile | undefined;
    rateRps: number | undefined;
  },
): Fault[] {
  const { arrival, isTimed, profile, rateRps } = shape;
  const faults: Fault[] = [];
  const say = (path: string, message: string, hint: string): unknown =>
    faults.push({ path: `load.${path}`, message, hint });
  const meaningless = `has no meaning with --arrival ${arrival}`;
  if (isTimed && rateRps === undefined)
    say("arrival", `"${arrival}" needs a rate`, "Add --rate 10");
  if (!isTimed && load.rate !== undefined) say("rate", meaningless, "Leave one of the two out");
  if (!isTimed && profile !== undefined)
    say("rateProfile", meaningless, "Leave one of the two out");
  if (arrival !== "gamma" && load.burstiness !== undefined) {
    say("burstiness", meaningless, "Leave one of the two out, or say --arrival gamma");
  }
  if (load.rate !== undefined && profile !== undefined && profile.kind !== "ramp") {
    say("rate", `the profile "${profile.kind}" has rates of its own`, "Leave --rate out");
  }
  return faults;
}
