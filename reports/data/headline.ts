/**
 * The headline of a report: which arm won on mean TTFT, by how much, with which interval, and why (hit
 * share against the ideal, uncached tokens). It only words the comparisons that `core/metrics` made;
 * nothing is tested for significance here.
 */
import type { CellSummary, Comparison, Interval } from "../../core/contract/result.ts";
import { formatRatio, formatShare, formatTokens } from "./format.ts";
import { mean, meanOf, measureOf } from "./measures.ts";
import { parametersKey, type SweepPoint } from "./sweep.ts";

export interface Headline {
  /**
   * `wins`: better somewhere and worse nowhere; `mixed`: both; `none`: no difference shown; `single`:
   * nothing to compare; `saturated`: latencies are not compared.
   */
  state: "wins" | "mixed" | "none" | "single" | "saturated" | "empty";
  sentence: string;
  /** Each is one sentence. */
  why: string[];
  /** The point and the pair of the headline, for the tiles. */
  point?: number;
  best?: string;
  rival?: string;
}

interface Duel {
  point: number;
  /** best / rival: below 1 the best one has the lower TTFT. */
  ratio: Interval;
  comparison: Comparison;
}

/** `cells` with their point among `points`; `arms` in the order of the plan. */
export function writeHeadline(
  cells: readonly CellSummary[],
  comparisons: readonly Comparison[],
  plan: { arms: readonly string[]; points: readonly SweepPoint[] },
): Headline {
  const ranked = rankArms(cells, plan.arms);
  const [best, ...others] = ranked;
  if (best === undefined) {
    return {
      state: "empty",
      sentence: "No request was answered, so there is nothing to compare.",
      why: [],
    };
  }
  if (others[0] === undefined) return single(cells, best, plan.points);

  // Arms are compared with a reference, so the second best may have no interval against the best.
  const duelsWith = (other: string) =>
    duelsOf(comparisons, { best, rival: other, points: plan.points });
  const rival = others.find((other) => duelsWith(other).length > 0) ?? others[0];
  const duels = duelsWith(rival);
  const won = duels.filter(({ ratio }) => ratio.high < 1);
  const lost = duels.filter(({ ratio }) => ratio.low > 1);
  const strongest = [...duels].sort((a, b) => a.ratio.value - b.ratio.value)[0];
  if (strongest === undefined) {
    return withoutDuel(cells, comparisons, { best, rival });
  }
  const shown =
    won.length > 0 ? [...won].sort((a, b) => a.ratio.value - b.ratio.value)[0]! : strongest;
  const where = plan.points[shown.point]!.label;
  const rest = { point: shown.point, best, rival };
  const why = reasons(cells, plan.points[shown.point]!, { best, rival });
  const figure = `${formatRatio(shown.ratio.value)} that of ${rival} (${describeInterval(shown.comparison, shown.ratio)})`;
  const at = where === "" ? "" : `at ${where} `;
  if (won.length === 0) {
    const sentence = `No clear winner: ${at}the mean TTFT of ${best} is ${figure}, and the interval includes 1×.`;
    return { state: "none", sentence, why, ...rest };
  }
  if (duels.length > 1) {
    why.unshift(describeTally(best, { won: won.length, lost: lost.length, of: duels.length }));
  }
  const verb = lost.length > 0 ? "wins in part" : "wins";
  const sentence = `${best} ${verb}: ${at}its mean TTFT is ${figure}.`;
  return { state: lost.length > 0 ? "mixed" : "wins", sentence, why, ...rest };
}

/** Why latencies were not compared, and which comparison holds instead. */
function withoutDuel(
  cells: readonly CellSummary[],
  comparisons: readonly Comparison[],
  arms: { best: string; rival: string },
): Headline {
  const { best, rival } = arms;
  if (!cells.some(({ verdict }) => verdict.reasons.some(({ id }) => id === "saturated"))) {
    const sentence = `${best} has the lower mean TTFT, but ${best} and ${rival} were not compared with an interval.`;
    return { state: "none", ...arms, sentence, why: [] };
  }
  const why = comparisons.flatMap((one) => {
    const pair = [one.a, one.b];
    if (measureOf(one.metric)?.key !== "outputTps") return [];
    if (!pair.includes(best) || !pair.includes(rival)) return [];
    const ratio = one.b === best ? one.ratio : invertInterval(one.ratio);
    return [
      `${best} put out ${formatRatio(ratio.value)} the tokens/s of ${rival} (${describeInterval(one, ratio)}).`,
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

/** `95 % interval 0.55–0.67×, 3 repeats`. */
export function describeInterval(comparison: Comparison, ratio: Interval): string {
  const sure = `${Math.round(comparison.confidence * 100)}\u00a0% interval`;
  const range = `${ratio.low.toFixed(2)}–${formatRatio(ratio.high)}`;
  const base =
    comparison.unitOfN === "repeats"
      ? `${comparison.n} repeats`
      : `${comparison.n} requests, this run only`;
  return `${sure} ${range}, ${base}`;
}

/** b / a turned into a / b. */
export function invertInterval(interval: Interval): Interval {
  return { value: 1 / interval.value, low: 1 / interval.high, high: 1 / interval.low };
}

function single(
  cells: readonly CellSummary[],
  arm: string,
  points: readonly SweepPoint[],
): Headline {
  const ttft = mean(cells.map((cell) => meanOf(cell, "ttftMs")))!;
  const over = points.length > 1 ? ` over ${points.length} settings` : "";
  const sentence = `${arm} answered with a mean TTFT of ${Math.round(ttft).toLocaleString("en-US")} ms${over}; there is no other arm to compare with.`;
  return { state: "single", sentence, why: [], best: arm };
}

/** Arms by the geometric mean of their TTFT over the points that all of them have; lowest first. */
function rankArms(cells: readonly CellSummary[], arms: readonly string[]): string[] {
  const known = arms.filter((arm) =>
    cells.some((cell) => cell.arm === arm && meanOf(cell, "ttftMs")),
  );
  const keys = [...new Set(cells.map((cell) => parametersKey(cell.parameters)))];
  const at = (arm: string, key: string): number | undefined =>
    mean(
      cells
        .filter((cell) => cell.arm === arm && parametersKey(cell.parameters) === key)
        .map((cell) => meanOf(cell, "ttftMs")),
    );
  const common = keys.filter((key) => known.every((arm) => at(arm, key) !== undefined));
  const score = (arm: string): number =>
    common.reduce((sum, key) => sum + Math.log(at(arm, key)!), 0);
  return known
    .map((arm) => ({ arm, score: score(arm) }))
    .sort((a, b) => a.score - b.score)
    .map(({ arm }) => arm);
}

function duelsOf(
  comparisons: readonly Comparison[],
  of: { best: string; rival: string; points: readonly SweepPoint[] },
): Duel[] {
  const duels: Duel[] = [];
  of.points.forEach((point, index) => {
    const comparison = comparisons.find(
      ({ a, b, metric, parameters }) =>
        measureOf(metric)?.key === "ttftMs" &&
        ((a === of.best && b === of.rival) || (a === of.rival && b === of.best)) &&
        parametersKey(parameters) === parametersKey(point.parameters),
    );
    if (!comparison) return;
    const ratio = comparison.b === of.best ? comparison.ratio : invertInterval(comparison.ratio);
    duels.push({ point: index, ratio, comparison });
  });
  return duels;
}

function describeTally(best: string, tally: { won: number; lost: number; of: number }): string {
  const { won, lost, of } = tally;
  if (won === of) return `The mean TTFT of ${best} is lower at all ${of} settings.`;
  const even = of - won - lost;
  const parts = [`The mean TTFT of ${best} is lower at ${won} of ${of} settings`];
  if (lost > 0) parts.push(`higher at ${lost}`);
  if (even > 0) parts.push(`without a clear difference at ${even}`);
  return `${parts.join(", ")}.`;
}

/** Sentences on what the engine reported about its caches at that point; none where it reported nothing. */
function reasons(
  cells: readonly CellSummary[],
  point: SweepPoint,
  arms: { best: string; rival: string },
): string[] {
  const of = (arm: string): CellSummary[] =>
    cells.filter(
      (cell) =>
        cell.arm === arm && parametersKey(cell.parameters) === parametersKey(point.parameters),
    );
  const hit = (arm: string) => mean(of(arm).map((cell) => cell.cache.cachedShare));
  const [ours, theirs] = [hit(arms.best), hit(arms.rival)];
  if (ours === undefined || theirs === undefined) return [];
  const ideal = mean(of(arms.best).map((cell) => cell.cache.idealShare))!;
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
