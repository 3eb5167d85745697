/**
 * The reference arm measured a second time, under another label and in the same rotation. Both are
 * the same program on the same requests, so what they differ by is what this run calls a difference
 * without there being one: the noise of the machine, the order of cells, a fault of ours.
 */
import type { Control, Finding, Interval } from "../../contract/result.ts";
import { CONFIDENCE, REPEATS_FOR_CLAIMS } from "../../statistics/mean-interval.ts";
import { atPoint } from "../point.ts";
import { estimateAt, pairRepeats, type ComparedRun } from "./compared-run.ts";

/** An honest run has a control that differs this often. */
const HONEST_ERROR = 0.001;

/** By the primary metric; undefined where no arm is measured twice, or at no point both are. */
export function controlOf(run: ComparedRun): Control | undefined {
  const twin = run.arms.findIndex(({ twinOf }) => twinOf !== undefined);
  if (twin === -1) return undefined;
  const original = run.arms[twin]!.twinOf!;
  const metric = run.metrics[0]!;
  const points = run.points.flatMap((point) => {
    const { key, cells } = point;
    const pairs = pairRepeats(point, [original, twin]);
    const estimated = pairs.length === 0 ? undefined : estimateAt(metric, pairs, { key, run });
    const { parameters } = cells[0]!.summary;
    return estimated === undefined ? [] : [{ parameters, estimated, repeats: pairs.length }];
  });
  if (points.length === 0) return undefined;
  const isJudged = points.every(({ repeats }) => repeats >= REPEATS_FOR_CLAIMS);
  const strict = 1 - HONEST_ERROR / points.length;
  return {
    a: run.arms[original]!.label,
    b: run.arms[twin]!.label,
    metric: metric.name,
    points: points.map(({ parameters, estimated }) => ({
      parameters,
      ratio: estimated.ratio(CONFIDENCE),
    })),
    ...(isJudged
      ? { agrees: points.every(({ estimated }) => includesOne(estimated.ratio(strict))) }
      : {}),
  };
}

/** A control that differs costs the trust. */
export function controlFindings(control: Control | undefined): Finding[] {
  if (control?.agrees !== false) return [];
  const { a, b, metric, points } = control;
  const ratios = points.map(
    ({ ratio: { value, low, high }, parameters }) =>
      `${value.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})${atPoint(parameters)}`,
  );
  return [
    {
      id: "control-differs",
      severity: "untrusted",
      message: `The control "${b}" is "${a}" measured again, and yet its ${metric} is ${ratios.join(", ")} times as large: an honest run differs so in 1 of 1,000`,
      hint: "Something else changes from cell to cell: another load on the machine, its clock frequency, a cache. Stop it, or measure longer, and do not rely on differences of this size",
    },
  ];
}

function includesOne({ low, high }: Interval): boolean {
  return low <= 1 && high >= 1;
}
