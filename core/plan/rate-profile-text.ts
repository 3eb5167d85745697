/** The text of `--rate-profile`: `ramp:30`, `sine:min=5,max=10,period=60`, `steps:0=5,60=20`. */
import type { RateProfile } from "../contract/plan.ts";

/** As many requests a second as `--rate` allows, and ten years. */
const MAX_RPS = 1_000_000;
const MAX_S = 320_000_000;

/** The profile, or what is wrong with the text and what to write. */
export function parseRateProfile(text: string): RateProfile | { fault: string; hint: string } {
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

function ramp(text: string): ReturnType<typeof parseRateProfile> {
  const overS = numberIn(text);
  if (overS !== undefined && overS > 0 && overS <= MAX_S) return { kind: "ramp", overS };
  return { fault: `expected ramp:SECONDS, got "ramp:${text}"`, hint: "--rate-profile ramp:30" };
}

function sine(text: string): ReturnType<typeof parseRateProfile> {
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

function steps(text: string): ReturnType<typeof parseRateProfile> {
  const hint = "--rate-profile steps:0=5,60=20 sends 5 requests/s for a minute and 20 from then on";
  const pairs = pairsIn(text)?.map(([at, rateRps]) => ({ fromS: numberIn(at), rateRps }));
  if (pairs === undefined || pairs.length === 0) {
    return { fault: `expected steps:SECOND=R,…, got "steps:${text}"`, hint };
  }
  const isRising = pairs.every(
    ({ fromS }, i) => fromS !== undefined && (i === 0 ? fromS === 0 : fromS > pairs[i - 1]!.fromS!),
  );
  if (!isRising) return { fault: "the steps must begin at second 0 and rise", hint };
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
