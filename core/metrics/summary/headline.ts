/**
 * The headline of a report: which arm is best by the primary metric, by how much, and why (hit share
 * against the ideal, uncached tokens). It only words the claims that `core/metrics` made; nothing is
 * tested for significance here.
 */
import type { Plan } from "../../contract/plan.ts";
import type { CellSummary, Comparison, Control, Interval, Summary } from "../../contract/result.ts";
import { COMPARABLE } from "../compare/compared.ts";
import { claimFor, isOpen, type ArmClaim } from "../compare/claim.ts";
import { metricOf, metricWords } from "../definitions.ts";
import { REPEATS_FOR_CLAIMS } from "../../statistics/mean-interval.ts";
import { formatRatio, formatShare, formatTokens } from "./format.ts";
import { meanOf } from "./tier-rows.ts";
import { pointKey } from "../point.ts";
import { readSweep, type SweepPoint } from "./sweep.ts";

export interface Headline {
  /**
   * `wins`: the best at some settings and worse nowhere; `mixed`: better at some and worse at others;
   * `none`: no difference shown; `open`: too few repeats to claim one; `single`: nothing to compare;
   * `saturated`: latencies are not compared.
   */
  state: "wins" | "mixed" | "none" | "open" | "single" | "saturated" | "empty";
  sentence: string;
  /** Each is one sentence. */
  why: string[];
  /** The point and the pair of the headline, for the tiles. */
  point?: number;
  best?: string;
  rival?: string;
}

/** What the headline is made of. `cells` without those of the control. */
export type HeadlineInput = Pick<Summary, "cells" | "comparisons" | "best" | "until">;

/** The arms in the order of the plan, without the control. */
interface Shown {
  arms: readonly string[];
  points: readonly SweepPoint[];
}

/** The arms and points of a run without its control. */
export function shownIn({ arms, cells }: Plan): Shown {
  return { arms: arms.map(({ label }) => label), points: readSweep(cells).points };
}

interface Duel {
  point: number;
  /** best / rival. */
  ratio: Interval;
  /** The same with the adjusted ends. */
  adjusted: Interval;
  claim: ArmClaim;
  comparison: Comparison;
}

export function writeHeadline(run: HeadlineInput, plan: Shown): Headline {
  const { cells, comparisons } = run;
  const primary = comparisons.filter(({ role }) => role === "primary");
  const metric = primary[0]?.metric ?? "ttftMs.mean";
  const [best, ...others] = rankArms(cells, plan.arms, metric);
  if (best === undefined) {
    const sentence = "No request was answered, so there is nothing to compare.";
    return { state: "empty", sentence, why: [] };
  }
  if (others[0] === undefined) return single(cells, best, plan.points);

  // Arms are compared with a reference, so the second best may have no interval against the best.
  const duelsWith = (other: string): Duel[] => duelsOf(primary, { best, rival: other, plan });
  const rival = others.find((other) => duelsWith(other).length > 0) ?? others[0];
  const duels = duelsWith(rival);
  if (duels.length === 0) return withoutDuel(run, { best, rival, metric });
  const isBest = bestAt(run, best);
  const won = duels.filter(({ claim, point }) => claim === "better" && isBest(plan.points[point]!));
  const shown = strongest(won.length > 0 ? won : duels);
  const at = plan.points[shown.point]!;
  const all = { best, rival, metric, shown, at, duels, won, arms: plan.arms.length };
  const why = reasons(cells, at, { best, rival });
  const rest = { point: shown.point, best, rival };
  if (isOpen(shown.comparison)) return { ...rest, ...openHeadline(all), why };
  if (won.length === 0) return { ...rest, ...undecided(run, all), why };
  const lost = duels.filter(({ claim }) => claim === "worse").length;
  if (duels.length > 1) why.unshift(describeTally({ ...all, lost }));
  const verb = lost > 0 ? "wins in part" : "wins";
  const sentence = `${best} ${verb}: ${place(at)}its ${metricWords(metric)} is ${figure(all)}.`;
  return { ...rest, state: lost > 0 ? "mixed" : "wins", sentence, why };
}

interface Words {
  best: string;
  rival: string;
  metric: string;
  shown: Duel;
  at: SweepPoint;
  duels: readonly Duel[];
  won: readonly Duel[];
  /** How many arms were compared. */
  arms: number;
}

/** One repeat shows what this run was like, and nothing of the next. */
function openHeadline(words: Words): Pick<Headline, "state" | "sentence"> {
  const { best, metric, shown, at } = words;
  const { n, unitOfN } = shown.comparison;
  const repeats = unitOfN === "requests" ? "One repeat decides" : `${n} repeats decide`;
  const sentence = `${repeats} nothing: ${place(at)}the ${metricWords(metric)} of ${best} is ${figure(words)}. --repeat ${REPEATS_FOR_CLAIMS} and more can show a difference.`;
  return { state: "open", sentence };
}

function undecided(
  { best: bests, until }: HeadlineInput,
  words: Words,
): Pick<Headline, "state" | "sentence"> {
  const { best, metric, at } = words;
  const shown = `${place(at)}the ${metricWords(metric)} of ${best} is ${figure(words)}`;
  const rest = bests?.find(({ parameters }) => pointKey(parameters) === keyOf(at))?.arms ?? [];
  const end = until?.isMet === false ? ` It was not decided in ${until.repeats} repeats.` : "";
  if (words.arms > 2 && rest.length > 1) {
    return {
      state: "none",
      sentence: `No single best: ${shown}, and ${namesOf(rest)} may each be the best.${end}`,
    };
  }
  return { state: "none", sentence: `No difference is shown: ${shown}.${end}` };
}

/** More arms than this are counted; the table has them. */
const NAMED = 6;

function namesOf(arms: readonly string[]): string {
  return arms.length > NAMED ? `${arms.length} arms` : arms.join(", ");
}

/** Whether no other arm may be the best at a point; with two arms the comparison itself says so. */
function bestAt({ best = [] }: HeadlineInput, arm: string): (point: SweepPoint) => boolean {
  const armsAt = new Map(best.map(({ parameters, arms }) => [pointKey(parameters), arms]));
  return (point) => {
    const arms = armsAt.get(keyOf(point));
    return arms === undefined || (arms.length === 1 && arms[0] === arm);
  };
}

/** `0.61× that of round-robin (0.55–0.67×, …)`. */
function figure({ rival, shown }: Pick<Words, "rival" | "shown">): string {
  return `${formatRatio(shown.ratio.value)} that of ${rival} (${describeInterval(shown.comparison, shown.adjusted)})`;
}

function place({ label }: SweepPoint): string {
  return label === "" ? "" : `at ${label} `;
}

function strongest(duels: readonly Duel[]): Duel {
  const size = ({ ratio }: Duel): number => Math.abs(Math.log(ratio.value));
  return duels.reduce((most, duel) => (size(duel) > size(most) ? duel : most));
}

/** Why latencies were not compared, and which comparison holds instead. */
function withoutDuel(
  { cells, comparisons }: HeadlineInput,
  { best, rival, metric }: { best: string; rival: string; metric: string },
): Headline {
  const arms = { best, rival };
  if (!cells.some(({ verdict }) => verdict.reasons.some(({ id }) => id === "saturated"))) {
    const sentence = `The ${metricWords(metric)} of ${best} is better, but ${best} and ${rival} were not compared with an interval.`;
    return { state: "none", ...arms, sentence, why: [] };
  }
  const why = comparisons.flatMap((one) => {
    const pair = [one.a, one.b];
    if (one.metric !== "outputTps" || !pair.includes(best) || !pair.includes(rival)) return [];
    const { ratio, adjusted } = turned(one, best);
    return [
      `${best} put out ${formatRatio(ratio.value)} the tokens/s of ${rival} (${describeInterval(one, adjusted)}).`,
    ];
  });
  return {
    state: "saturated",
    ...arms,
    sentence:
      "More requests arrived than could be served, so latencies measure the length of the run and are not compared.",
    why: why.length === 1 ? why : [],
  };
}

/** How far the reference measured twice differs from itself. */
export function controlSentence({ a, b, metric, points }: Control): string {
  const all = points.map(({ ratio }) => ratio.value);
  const [low, high] = [Math.min(...all), Math.max(...all)].map((ratio) => `${ratio.toFixed(3)}×`);
  const range = low === high ? low! : `${low} to ${high}`;
  return `Control: ${b} is ${a} measured a second time, and its ${metricWords(metric)} is ${range} as large${points.length > 1 ? ` over ${points.length} settings` : ""}.`;
}

/** `0.55–0.67×, 95 % over 5 comparisons together, 3 repeats`. */
export function describeInterval(comparison: Comparison, { low, high }: Interval): string {
  const { over } = comparison.adjusted;
  const range = `${low.toFixed(2)}–${formatRatio(high)}`;
  const sure = `${Math.round(comparison.confidence * 100)}\u00a0%`;
  const together = over > 1 ? ` over ${over} comparisons together` : " interval";
  const base =
    comparison.unitOfN === "repeats"
      ? `${comparison.n} repeats`
      : `${comparison.n} requests, within this run`;
  return `${range}, ${sure}${together}, ${base}`;
}

/** b / a turned into a / b. */
export function invertInterval(interval: Interval): Interval {
  return { value: 1 / interval.value, low: 1 / interval.high, high: 1 / interval.low };
}

/** Ratio and adjusted interval with `arm` on top. */
export function turned(
  { b, ratio, adjusted: { low, high } }: Comparison,
  arm: string,
): { ratio: Interval; adjusted: Interval } {
  const adjusted = { value: ratio.value, low, high };
  return b === arm
    ? { ratio, adjusted }
    : { ratio: invertInterval(ratio), adjusted: invertInterval(adjusted) };
}

function single(
  cells: readonly CellSummary[],
  arm: string,
  points: readonly SweepPoint[],
): Headline {
  const ttft = meanOf(cells, ({ metrics }) => metrics.ttftMs?.mean)!;
  const over = points.length > 1 ? ` over ${points.length} settings` : "";
  const sentence = `${arm} answered with a mean TTFT of ${Math.round(ttft).toLocaleString("en-US")} ms${over}; there is no other arm to compare with.`;
  return { state: "single", sentence, why: [], best: arm };
}

/** Best first, by the geometric mean of the metric over the points that all arms have. */
export function rankArms(
  cells: readonly CellSummary[],
  arms: readonly string[],
  name: string,
): string[] {
  const metric = COMPARABLE.find((one) => one.name === name)!;
  const sign = metricOf(metric.key).better === "higher" ? -1 : 1;
  const ofArm = Map.groupBy(cells, ({ arm }) => arm);
  const known = arms.filter((arm) => ofArm.get(arm)?.some((cell) => metric.read(cell)));
  const means = known.map((arm) => {
    const points = Map.groupBy(ofArm.get(arm)!, ({ parameters }) => pointKey(parameters));
    return new Map(Array.from(points, ([key, own]) => [key, meanOf(own, metric.read)]));
  });
  const keys = [...new Set(cells.map(({ parameters }) => pointKey(parameters)))];
  const common = keys.filter((key) => means.every((at) => at.get(key) !== undefined));
  const scores = new Map(
    known.map((arm, i) => [
      arm,
      common.reduce((sum, key) => sum + sign * Math.log(means[i]!.get(key)!), 0),
    ]),
  );
  return known.toSorted((a, b) => scores.get(a)! - scores.get(b)!);
}

function duelsOf(
  primary: readonly Comparison[],
  { best, rival, plan }: { best: string; rival: string; plan: Shown },
): Duel[] {
  const between = primary.filter(
    ({ a, b }) => (a === best && b === rival) || (a === rival && b === best),
  );
  const at = new Map(between.toReversed().map((one) => [pointKey(one.parameters), one]));
  return plan.points.flatMap((point, index): Duel[] => {
    const comparison = at.get(keyOf(point));
    if (!comparison) return [];
    return [
      { point: index, ...turned(comparison, best), claim: claimFor(comparison, best), comparison },
    ];
  });
}

function keyOf({ parameters }: SweepPoint): string {
  return pointKey(parameters);
}

function describeTally({ best, rival, metric, duels, won, arms, lost }: Words & { lost: number }) {
  const isMany = arms > 2;
  const what = isMany
    ? `${best} is the best of ${arms} arms`
    : `The ${metricWords(metric)} of ${best} is better`;
  const against = isMany ? ` (the next is ${rival})` : "";
  if (won.length === duels.length) return `${what} at all ${duels.length} settings${against}.`;
  const even = duels.length - won.length - lost;
  const parts = [`${what} at ${won.length} of ${duels.length} settings${against}`];
  if (lost > 0) parts.push(`worse at ${lost}`);
  if (even > 0) parts.push(`without a claim at ${even}`);
  return `${parts.join(", ")}.`;
}

/** Sentences on what the engine reported about its caches at that point; none where it reported nothing. */
function reasons(
  cells: readonly CellSummary[],
  point: SweepPoint,
  arms: { best: string; rival: string },
): string[] {
  const key = keyOf(point);
  const of = (arm: string): CellSummary[] =>
    cells.filter((cell) => cell.arm === arm && pointKey(cell.parameters) === key);
  const hit = (arm: string) => meanOf(of(arm), ({ cache }) => cache.cachedShare);
  const [ours, theirs] = [hit(arms.best), hit(arms.rival)];
  if (ours === undefined || theirs === undefined) return [];
  const ideal = meanOf(of(arms.best), ({ cache }) => cache.idealShare)!;
  const why = [
    `${arms.best} found ${formatShare(ours)} of the prompt tokens in cache and ${arms.rival} ${formatShare(theirs)}; the best any router could reach here is ${formatShare(ideal)}.`,
  ];
  const [mine, other] = [uncachedPerRequest(of(arms.best)), uncachedPerRequest(of(arms.rival))];
  if (mine !== undefined && other !== undefined) {
    why.push(
      `That left ${formatTokens(mine)} tokens to prefill per request instead of ${formatTokens(other)}.`,
    );
  }
  return why;
}

function uncachedPerRequest(cells: readonly CellSummary[]): number | undefined {
  // A decode worker counts a request again that a prefill worker has counted.
  const shares = cells.flatMap((cell) => cell.workers.filter(({ role }) => role !== "decode"));
  const requests = shares.reduce((sum, worker) => sum + worker.requests, 0);
  const uncached = shares.reduce(
    (sum, worker) => sum + worker.promptTokens - worker.cachedTokens,
    0,
  );
  return requests === 0 ? undefined : uncached / requests;
}
