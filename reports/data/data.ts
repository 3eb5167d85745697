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
  RunResult,
  Verdict,
} from "../../core/contract/result.ts";
import { meanLadder, type HitLadder } from "../../core/metrics/ladder.ts";
import { timeScaleNotes } from "../../core/metrics/model-time.ts";
import { withoutControl } from "../../core/metrics/without-control.ts";
import { writeHeadline, type Headline } from "../../core/metrics/summary/headline.ts";
import { overTime, type OverTime } from "./over-time.ts";
import { writeRunsHeadline, type SideBySide } from "./runs-headline.ts";
import { describeSetup, type SetupSection } from "./setup.ts";
import { pointKey } from "../../core/metrics/point.ts";
import { readSweep, type Sweep } from "../../core/metrics/summary/sweep.ts";
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
  arms: string[];
  sweep: Sweep;
  cells: ReportCell[];
  groups: ReportGroup[];
  comparisons: Comparison[];
  notCompared: NotCompared[];
  control?: Control;
  setup: SetupSection[];
  command: string;
  /** Of a report of several runs; null: this run has no such router. */
  sideBySide?: SideBySide;
  /** Points drawn and left out over all scatter charts. */
  scatter: { drawn: number; of: number };
}

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
  const arms = run.plan.arms.map((arm) => arm.label);
  const summaries = run.summary.cells;
  const sweep = readSweep(run.plan.cells);
  const pointOf = new Map(sweep.points.map((point, i) => [pointKey(point.parameters), i]));
  const place = (cell: CellResult) => ({
    arm: cell.cell.arm,
    point: pointOf.get(pointKey(cell.cell.parameters))!,
  });
  const groups = groupCells(run.cells, place);
  const sideBySide = run.sideBySide && readSideBySide(run.sideBySide);
  return {
    tool: `${run.summary.tool.name} ${run.summary.tool.version}`,
    startedAt: run.summary.startedAt,
    workload: [...new Set(run.plan.cells.map((cell) => cell.workload.name))].join(", "),
    clock: clockOf(summaries, run.plan.clock),
    scaleNote: timeScaleNotes(summaries).join("; "),
    verdict: run.summary.verdict,
    headline: sideBySide
      ? writeRunsHeadline(summaries, run.summary.comparisons, {
          arms,
          points: sweep.points,
          sideBySide,
        })
      : writeHeadline(run.summary, { arms, points: sweep.points }),
    arms,
    sweep,
    cells: binCells(run.cells, place),
    groups,
    comparisons: run.summary.comparisons,
    notCompared: run.summary.notCompared ?? [],
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

function binCells(cells: readonly CellResult[], place: Place): ReportCell[] {
  const rows = cells.reduce((sum, cell) => sum + cell.series.inFlight.workers.length, 0);
  const bins = Math.max(HEAT_NUMBERS.leastBins, share(HEAT_NUMBERS.all, rows, HEAT_NUMBERS.bins));
  return cells.map((cell) => {
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
