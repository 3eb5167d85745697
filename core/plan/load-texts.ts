/**
 * Options of a load that are small languages of their own: rate profiles, tiers, latency limits. A
 * plan holds what they mean, and the schemas here judge that form of them.
 */
import * as v from "valibot";
import type { RateProfile, ServiceLevel, Tier } from "../contract/plan.ts";

/** What is wrong with a text, and what to write instead. */
export interface TextFault {
  readonly fault: string;
  readonly hint: string;
}

/** The largest `--rate`, and ten years. */
export const MAX_RPS = 1_000_000;
export const MAX_S = 320_000_000;

const rps = v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_RPS));
const seconds = v.pipe(v.number(), v.gtValue(0), v.maxValue(MAX_S));

export const RateProfileSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("ramp"), overS: seconds }),
  v.pipe(
    v.strictObject({ kind: v.literal("sine"), minRps: rps, maxRps: rps, periodS: seconds }),
    v.check(({ minRps, maxRps }) => minRps <= maxRps && maxRps > 0, "there is no such sine"),
  ),
  v.strictObject({
    kind: v.literal("steps"),
    steps: v.pipe(
      v.array(
        v.strictObject({
          fromS: v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_S)),
          rateRps: rps,
        }),
      ),
      v.minLength(1),
      v.check((steps) => areRising(steps), "the steps must begin at second 0 and rise"),
      v.check((steps) => steps.at(-1)!.rateRps > 0, "the last step must send something"),
    ),
  }),
]);

function areRising(steps: readonly { readonly fromS: number }[]): boolean {
  return steps.every(({ fromS }, i) => (i === 0 ? fromS === 0 : fromS > steps[i - 1]!.fromS));
}

/** `--rate-profile ramp:30`, `sine:min=5,max=10,period=60`, or `steps:0=5,60=20`. */
export function parseRateProfile(text: string): RateProfile | TextFault {
  const colon = text.indexOf(":");
  const kind = colon === -1 ? text : text.slice(0, colon);
  const rest = colon === -1 ? "" : text.slice(colon + 1);
  switch (kind) {
    case "ramp":
      return ramp(rest);
    case "sine":
      return sine(rest);
    case "steps":
      return steps(rest);
    default:
      return {
        fault: `expected ramp, sine or steps, got "${text}"`,
        hint: "--rate-profile ramp:30, sine:min=5,max=10,period=60, or steps:0=5,60=20",
      };
  }
}

function ramp(text: string): RateProfile | TextFault {
  const overS = numberIn(text);
  if (overS !== undefined && overS > 0 && overS <= MAX_S) return { kind: "ramp", overS };
  return { fault: `expected ramp:SECONDS, got "ramp:${text}"`, hint: "--rate-profile ramp:30" };
}

function sine(text: string): RateProfile | TextFault {
  const hint = "--rate-profile sine:min=5,max=10,period=60";
  const pairs = pairsIn(text);
  const given = new Map(pairs ?? []);
  const [minRps, maxRps, periodS] = ["min", "max", "period"].map((name) => given.get(name));
  if (
    pairs?.length !== 3 ||
    minRps === undefined ||
    maxRps === undefined ||
    periodS === undefined
  ) {
    return { fault: `expected sine:min=R,max=R,period=SECONDS, got "sine:${text}"`, hint };
  }
  if (minRps > maxRps || maxRps === 0 || maxRps > MAX_RPS || periodS === 0 || periodS > MAX_S) {
    return { fault: `there is no such sine: "${text}"`, hint };
  }
  return { kind: "sine", minRps, maxRps, periodS };
}

function steps(text: string): RateProfile | TextFault {
  const hint = "--rate-profile steps:0=5,60=20 sends 5 requests/s for a minute and 20 from then on";
  const pairs = pairsIn(text)?.map(([at, rateRps]) => ({ fromS: numberIn(at), rateRps }));
  if (pairs === undefined || pairs.length === 0) {
    return { fault: `expected steps:SECOND=R,…, got "steps:${text}"`, hint };
  }
  const rising = pairs.map(({ fromS = Number.NaN }) => ({ fromS }));
  if (!areRising(rising)) return { fault: "the steps must begin at second 0 and rise", hint };
  if (pairs.at(-1)!.rateRps === 0) return { fault: "the last step must send something", hint };
  if (pairs.some(({ rateRps }) => rateRps > MAX_RPS)) {
    return { fault: `a rate is above ${MAX_RPS} requests/s`, hint };
  }
  return { kind: "steps", steps: pairs as { fromS: number; rateRps: number }[] };
}

/** `a=1,b=2`; undefined where a value is no number of at least 0. */
function pairsIn(text: string): [string, number][] | undefined {
  const pairs: [string, number][] = [];
  for (const item of text.split(",")) {
    const [name, value, ...more] = item.split("=");
    const number = numberIn(value ?? "");
    if (number === undefined || more.length > 0) return undefined;
    pairs.push([name!.trim(), number]);
  }
  return pairs;
}

function numberIn(text: string): number | undefined {
  return /^\s*(\d+\.?\d*|\.\d+)\s*$/.test(text) ? Number(text) : undefined;
}

/** More would make tables too long to read. */
const MAX_TIERS = 32;
/** Shares are written by hand: 0.33,0.33,0.34 passes, and 0.5,0.3 is a mistake. */
const SHARE_TOLERANCE = 1e-6;
/** The largest value of Dynamo's `agent_hints.priority`, an i32 (1.6). */
const MAX_PRIORITY = 2 ** 31 - 1;

export const TiersSchema = v.pipe(
  v.array(
    v.strictObject({
      name: v.pipe(
        v.string(),
        v.regex(/^[\w.-]{1,40}$/, "expected a name of at most 40 characters"),
      ),
      share: v.pipe(v.number(), v.gtValue(0), v.maxValue(1)),
      priority: v.exactOptional(
        v.pipe(v.number(), v.integer(), v.minValue(-MAX_PRIORITY), v.maxValue(MAX_PRIORITY)),
      ),
    }),
  ),
  v.minLength(1),
  v.maxLength(MAX_TIERS),
  v.check(
    (tiers) => new Set(tiers.map(({ name }) => name)).size === tiers.length,
    "has a name twice",
  ),
  v.check((tiers) => addsUp(tiers), "has shares that do not add up to 1"),
);

function addsUp(tiers: readonly Tier[]): boolean {
  return Math.abs(tiers.reduce((sum, { share }) => sum + share, 0) - 1) <= SHARE_TOLERANCE;
}

/** `--tiers low=0.5:0,medium=0.3:1,high=0.2:2`: each NAME=SHARE or NAME=SHARE:PRIORITY. */
export function parseTiers(text: string): readonly Tier[] | TextFault {
  const hint = "--tiers low=0.5:0,medium=0.3:1,high=0.2:2, each NAME=SHARE or NAME=SHARE:PRIORITY";
  const tiers: Tier[] = [];
  for (const item of text.split(",")) {
    const tier = tierOf(item.trim());
    if (tier === undefined) return { fault: `expected NAME=SHARE:PRIORITY, got "${item}"`, hint };
    if (tiers.some(({ name }) => name === tier.name)) {
      return { fault: `has "${tier.name}" twice`, hint };
    }
    tiers.push(tier);
  }
  if (tiers.length > MAX_TIERS) {
    return { fault: `has ${tiers.length} tiers, more than ${MAX_TIERS}`, hint };
  }
  if (!addsUp(tiers)) {
    const sum = tiers.reduce((total, { share }) => total + share, 0);
    return { fault: `has shares that add up to ${Number(sum.toPrecision(6))}, not to 1`, hint };
  }
  return tiers;
}

function tierOf(text: string): Tier | undefined {
  const [, name, share, priority] =
    /^([\w.-]{1,40})\s*=\s*(\d+\.?\d*|\.\d+)(?::(-?\d{1,10}))?$/.exec(text) ?? [];
  if (name === undefined || !(Number(share) > 0)) return undefined;
  if (priority === undefined) return { name, share: Number(share) };
  if (Math.abs(Number(priority)) > MAX_PRIORITY) return undefined;
  return { name, share: Number(share), priority: Number(priority) };
}

const LIMITS = { ttft: "ttftMs", tpot: "tpotMs", e2e: "e2eMs" } as const;
const MAX_LIMIT_MS = 86_400_000;

const limit = v.exactOptional(v.pipe(v.number(), v.gtValue(0), v.maxValue(MAX_LIMIT_MS)));

export const ServiceLevelSchema = v.strictObject({ ttftMs: limit, tpotMs: limit, e2eMs: limit });

/** `--slo ttft=500,tpot=50,e2e=20000`: limits in milliseconds that a request must keep. */
export function parseSlo(text: string): ServiceLevel | TextFault {
  const hint = "--slo ttft=500,e2e=20000, with ttft, tpot and e2e in milliseconds";
  const limits: { -readonly [key in keyof ServiceLevel]: number } = {};
  for (const item of text.split(",")) {
    const [, name, amount] = /^\s*(ttft|tpot|e2e)\s*=\s*(\d+\.?\d*|\.\d+)\s*$/.exec(item) ?? [];
    if (name === undefined) return { fault: `expected NAME=MILLISECONDS, got "${item}"`, hint };
    const key = LIMITS[name as keyof typeof LIMITS];
    if (limits[key] !== undefined) return { fault: `has "${name}" twice`, hint };
    const limitMs = Number(amount);
    if (!(limitMs > 0 && limitMs <= MAX_LIMIT_MS)) {
      return {
        fault: `has ${name}=${amount}, which is not above 0 and at most ${MAX_LIMIT_MS}`,
        hint,
      };
    }
    limits[key] = limitMs;
  }
  return limits;
}
