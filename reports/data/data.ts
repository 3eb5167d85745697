/**
 * The data contract of the page: the data inside `report.html`, made from a run's results.
 *
 * Pure and bounded: the number of points is capped here (`thin.ts`), and the page states it. Labels
 * are passed on unchanged; the page sets them as text, never as markup, and `encodeData` escapes `<`
 * so that no value can end the script element that contains it.
 */
import { given } from "../../core/base/given.ts";
import type {
  CellResult,
  CellSummary,
  Comparison,
  Control,
  NotCompared,
  Quantiles,
  RunResult,
  Verdict,
} from "../../core/contract/result.ts";
import { meanLadder, type HitLadder } from "../../core/metrics/ladder.ts";
import { timeScaleNotes } from "../../core/metrics/model-time.ts";
import { withoutControl } from "../../core/metrics/without-control.ts";
import { writeHeadline, type Headline } from "../../core/metrics/summary/headline.ts";
import { failuresOf, type Failures } from "./failures.ts";
import { overTime, type OverTime } from "./over-time.ts";
import { rankingOf, shownArms, type Ranking } from "./ranking.ts";
import { writeRunsHeadline, type SideBySide } from "./runs-headline.ts";
import { describeSetup, type SetupSection } from "./setup.ts";
import { pointKey } from "../../core/metrics/point.ts";
import { readSweep, type Sweep } from "../../core/metrics/summary/sweep.ts";
import { describeMany } from "../../core/metrics/summary/varied-options.ts";
import { binSteps, roundTo5, thinDistribution, thinIndexes, type Distribution } from "./thin.ts";

export interface ReportData {
  /** `dynbench 0.1.0`. */
  tool: string;
  startedAt: string;
  workload: string;
  clock: "wall" | "virtual" | "both";
  /** For every chart when times are not those of the modelled hardware; else empty. */
  scaleNote: string;
  verdict: Verdict;
  headline: Headline;
  title: string;
  /** Those that the sections show: all, or the best of many. */
  arms: string[];
  /** Of many arms. */
  ranking?: Ranking;
  sweep: Sweep;
  cells: ReportCell[];
  groups: ReportGroup[];
  comparisons: Comparison[];
  notCompared: NotCompared[];
  failures: Failures;
  control?: Control;
  setup: SetupSection[];
  command: string;
  /** Of a report of several runs; null: this run has no such router. */
  sideBySide?: SideBySide;
  /** Points drawn and left out over all scatter charts. */
  scatter: { drawn: number; of: number };
}

/** Of thousands of cells, those without details have nothing in flight and rounded figures. */
export interface ReportCell {
  summary: CellSummary;
  arm: number;
  point: number;
  inFlight: { endS: number; workers: { id: string; count: number[] }[] };
}

/** All repeats of one arm at one point, pooled. */
export interface ReportGroup {
  arm: number;
  point: number;
  ttftMs: Distribution;
  e2eMs: Distribution;
  latenessMs: Distribution;
  scatter: { uncachedTokens: number[]; ttftMs: number[]; of: number };
  overTime: OverTime;
  /** Where possible cache hits were lost; left out where the engine does not report what it found. */
  ladder?: HitLadder;
}

/** Bounds that keep the page under 3 MB: points over all charts of a kind, and per chart. */
const SCATTER_POINTS = { all: 24_000, perGroup: 2_000 };
const DISTRIBUTION_POINTS = { all: 45_000, perGroup: 400, least: 20 };
const OVER_TIME_BINS = { all: 20_000, most: 60, least: 8 };
const HEAT_NUMBERS = { all: 160_000, bins: 160, leastBins: 12 };

export function reportData(whole: RunResult): ReportData {
  const run = withoutControl(whole);
  const labels = run.plan.arms.map((arm) => arm.label);
  const summaries = run.summary.cells;
  const sweep = readSweep(run.plan.cells);
  const sideBySide = run.sideBySide && readSideBySide(run.sideBySide);
  const headline = sideBySide
    ? writeRunsHeadline(summaries, run.summary.comparisons, {
        arms: labels,
        points: sweep.points,
        sideBySide,
      })
    : writeHeadline(run.summary, { arms: labels, points: sweep.points });
  const ranking = rankingOf(run, sweep);
  const shown = ranking === undefined ? [...labels.keys()] : shownArms(run, ranking);
  const places = new Map(shown.map((arm, i) => [arm, i]));
  const pointOf = new Map(sweep.points.map((point, i) => [pointKey(point.parameters), i]));
  const place: Place = ({ cell }) => ({
    arm: places.get(cell.arm)!,
    point: pointOf.get(pointKey(cell.parameters))!,
  });
  const own = withoutParts(run.cells.filter(({ cell }) => places.has(cell.arm)));
  const detailed = detailedPoints(sweep.points.length, shown.length, headline.point);
  const inDetail = own.filter((cell) => detailed.has(place(cell).point));
  const groups = groupCells(inDetail, place);
  const isPart = partsOf(own);
  return {
    tool: `${run.summary.tool.name} ${run.summary.tool.version}`,
    startedAt: run.summary.startedAt,
    workload: [...new Set(run.plan.cells.map((cell) => cell.workload.name))].join(", "),
    clock: clockOf(summaries, run.plan.clock),
    scaleNote: timeScaleNotes(summaries).join("; "),
    verdict: run.summary.verdict,
    headline,
    title: titleOf(run),
    arms: shown.map((arm) => `${labels[arm]!}${isPart(arm) ? " (part of a cell)" : ""}`),
    ...given({ ranking }),
    sweep,
    cells: binCells(own, place, detailedCells(inDetail)),
    groups,
    comparisons: shownComparisons(run.summary.comparisons, {
      arms: new Set(shown.map((arm) => labels[arm]!)),
      isDetailed: ({ parameters }) => detailed.has(pointOf.get(pointKey(parameters))!),
    }),
    notCompared: run.summary.notCompared ?? [],
    failures: failuresOf(summaries),
    ...given({ control: run.summary.control }),
    setup: describeSetup(run),
    command: run.command,
    ...given({ sideBySide }),
    scatter: {
      drawn: groups.reduce((sum, group) => sum + group.scatter.ttftMs.length, 0),
      of: groups.reduce((sum, group) => sum + group.scatter.of, 0),
    },
  };
}

/** More names than this are a list, not a match. */
const MANY_ARMS = 3;
/** A longer list fills a page. */
const TITLE_LENGTH = 90;

/** `kv vs round-robin`; of several runs: `live vs virtual: kv, round-robin`; of many arms by what differs. */
function titleOf({ plan, sideBySide }: RunResult): string {
  const many = describeMany(plan.arms);
  const listed = (names: readonly string[], otherwise: string): string => {
    const list = names.join(", ");
    return list.length > TITLE_LENGTH ? otherwise : list;
  };
  if (sideBySide) {
    const routers = sideBySide.routers.map(({ label }) => label);
    return `${sideBySide.runs.join(" vs ")}: ${listed(routers, many)}`;
  }
  const labels = plan.arms.map(({ label }) => label);
  return labels.length > MANY_ARMS ? listed(labels, many) : labels.join(" vs ");
}

/** Of an arm and setting with a whole cell, cells that did not end are left out: charts pool what is comparable. */
function withoutParts(cells: readonly CellResult[]): CellResult[] {
  const key = ({ cell }: CellResult): string => `${cell.arm} ${pointKey(cell.parameters)}`;
  const whole = new Set(cells.filter(isWhole).map(key));
  return cells.filter((cell) => isWhole(cell) || !whole.has(key(cell)));
}

/** Whether an arm has nothing but cells that did not end. */
function partsOf(cells: readonly CellResult[]): (arm: number) => boolean {
  const all = new Set(cells.map(({ cell }) => cell.arm));
  const whole = new Set(cells.filter(isWhole).map(({ cell }) => cell.arm));
  return (arm) => all.has(arm) && !whole.has(arm);
}

function isWhole({ summary }: CellResult): boolean {
  return summary.state === "completed";
}

/** Settings that can be looked at in detail; of more settings these are evenly spread, with that of the headline. */
const DETAILED_GROUPS = 600;

function detailedPoints(points: number, arms: number, chosen: number | undefined): Set<number> {
  const most = Math.max(2, Math.floor(DETAILED_GROUPS / Math.max(1, arms)));
  return new Set([...thinIndexes(points, most), ...(chosen === undefined ? [] : [chosen])]);
}

/** Cells with requests in flight over their time, and with all of their summary. */
const DETAILED_CELLS = 2000;

/** As many repeats of each arm and setting as there is room for. */
function detailedCells(cells: readonly CellResult[]): ReadonlySet<CellResult> {
  if (cells.length <= DETAILED_CELLS) return new Set(cells);
  const repeats = new Set(cells.map(({ cell }) => cell.repeat)).size;
  const most = Math.max(1, Math.floor((DETAILED_CELLS / cells.length) * repeats));
  return new Set(cells.filter(({ cell }) => cell.repeat < most));
}

/** What charts and tables show of a cell that has no details. */
function slimSummary(summary: CellSummary): CellSummary {
  const metrics = Object.entries(summary.metrics).map(([key, value]) => [
    key,
    typeof value === "number" ? roundTo5(value) : roundedQuantiles(value),
  ]);
  return {
    ...summary,
    metrics: Object.fromEntries(metrics),
    verdict: { ...summary.verdict, reasons: [] },
  };
}

function roundedQuantiles(quantiles: Quantiles): Quantiles {
  const rounded = Object.entries(quantiles).map(([key, value]) => [key, roundTo5(value)]);
  return Object.fromEntries(rounded);
}

/** More comparisons are left to summary.json, except those of settings in detail. */
const COMPARISONS_MAX = 4000;

function shownComparisons(
  all: readonly Comparison[],
  shown: { arms: ReadonlySet<string>; isDetailed: (comparison: Comparison) => boolean },
): Comparison[] {
  const own = all.filter(({ a, b }) => shown.arms.has(a) && shown.arms.has(b));
  return own.length > COMPARISONS_MAX ? own.filter(shown.isDetailed) : own;
}

/** JSON that is safe inside a script element. */
export function encodeData(data: object): string {
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}

type Place = (cell: CellResult) => { arm: number; point: number };

function groupCells(cells: readonly CellResult[], place: Place): ReportGroup[] {
  const pools = new Map<string, { arm: number; point: number; cells: CellResult[] }>();
  for (const cell of cells) {
    const { arm, point } = place(cell);
    const pool = pools.get(`${arm} ${point}`) ?? { arm, point, cells: [] };
    pool.cells.push(cell);
    pools.set(`${arm} ${point}`, pool);
  }
  const scatterCap = share(SCATTER_POINTS.all, pools.size, SCATTER_POINTS.perGroup);
  const cap = Math.max(
    DISTRIBUTION_POINTS.least,
    share(DISTRIBUTION_POINTS.all, pools.size * 3, DISTRIBUTION_POINTS.perGroup),
  );
  const bins = Math.max(
    OVER_TIME_BINS.least,
    share(OVER_TIME_BINS.all, pools.size, OVER_TIME_BINS.most),
  );
  return [...pools.values()].map(({ arm, point, cells: pool }) => {
    const ladder = meanLadder(pool.map(({ summary }) => summary.cache));
    const column = (name: keyof CellResult["points"]) => pool.flatMap((cell) => cell.points[name]);
    const [uncached, ttft] = [column("uncachedTokens"), column("ttftMs")];
    return {
      arm,
      point,
      ttftMs: thinDistribution(ttft, cap),
      e2eMs: thinDistribution(column("e2eMs"), cap),
      latenessMs: thinDistribution(column("latenessMs"), cap),
      scatter: thinScatter(uncached, ttft, scatterCap),
      overTime: overTime(pool, bins),
      ...given({ ladder }),
    };
  });
}

function thinScatter(
  uncached: readonly number[],
  ttft: readonly number[],
  cap: number,
): ReportGroup["scatter"] {
  const both = ttft
    .map((_, i) => i)
    .filter((i) => Number.isFinite(ttft[i]) && Number.isFinite(uncached[i]));
  const kept = thinIndexes(both.length, cap).map((i) => both[i]!);
  return {
    uncachedTokens: kept.map((i) => uncached[i]!),
    ttftMs: kept.map((i) => roundTo5(ttft[i]!)),
    of: both.length,
  };
}

function binCells(
  cells: readonly CellResult[],
  place: Place,
  detailed: ReadonlySet<CellResult>,
): ReportCell[] {
  const rows = [...detailed].reduce((sum, { summary }) => sum + summary.workers.length, 0);
  const bins = Math.max(HEAT_NUMBERS.leastBins, share(HEAT_NUMBERS.all, rows, HEAT_NUMBERS.bins));
  return cells.map((cell) => {
    if (!detailed.has(cell)) {
      return {
        summary: slimSummary(cell.summary),
        ...place(cell),
        inFlight: { endS: 0, workers: [] },
      };
    }
    const { timeS, workers } = cell.series.inFlight;
    const endS = timeS.at(-1) ?? 0;
    return {
      summary: cell.summary,
      ...place(cell),
      inFlight: {
        endS: roundTo5(endS),
        workers: workers.map(({ id, count }) => ({
          id,
          count: binSteps(timeS, count, { endS, bins }),
        })),
      },
    };
  });
}

function share(all: number, parts: number, most: number): number {
  return Math.min(most, Math.floor(all / Math.max(1, parts)));
}

function clockOf(cells: readonly CellSummary[], planned: "wall" | "virtual"): ReportData["clock"] {
  const clocks = new Set(cells.map(({ clock }) => clock));
  return clocks.size > 1 ? "both" : ([...clocks][0] ?? planned);
}

function readSideBySide({ runs, routers }: NonNullable<RunResult["sideBySide"]>): SideBySide {
  return {
    runs,
    routers: routers.map(({ label, arms }) => ({ label, arms: arms.map((arm) => arm ?? null) })),
  };
}
