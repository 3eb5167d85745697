/**
 * Whether a result may be believed, and why not. Each check looks at one thing that has made
 * benchmarks wrong before; its finding states what was seen, what it means and what to try.
 * `untrusted` means that the figures may be wrong or that the label does not fit; `note` means that
 * they hold and that something about them is worth knowing.
 */
import type { CellSummary, Finding, Verdict } from "../../contract/result.ts";
import { REPEATS_FOR_CLAIMS } from "../../statistics/mean-interval.ts";
import type { CellUnderTrial } from "./trust-check.ts";
import { ANSWER_CHECKS } from "./trust-answers.ts";
import { CLIENT_CHECKS } from "./trust-client.ts";
import { saturation } from "./saturation.ts";
import { PAUSE_CHECKS } from "./trust-pauses.ts";
import { longerPaths } from "./trust-paths.ts";
import { REQUEST_CHECKS } from "./trust-requests.ts";
import { ROUTING_CHECKS } from "./trust-routing.ts";
import { SETUP_CHECKS } from "./trust-setup.ts";

/** Verdict of one cell; `failed` when it broke or no request succeeded. A stopped cell has not failed. */
export function judgeCell(cell: CellUnderTrial): Verdict {
  const checks = [
    saturation,
    ...SETUP_CHECKS,
    ...ROUTING_CHECKS,
    ...REQUEST_CHECKS,
    ...ANSWER_CHECKS,
    ...PAUSE_CHECKS,
    ...CLIENT_CHECKS,
  ];
  const seen = checks.flatMap((check) => check(cell) ?? []);
  const reasons = [...(cell.evidence.findings ?? []), ...seen];
  const { state, requests } = cell.summary;
  const failed = state === "failed" || (state === "completed" && requests.ok === 0);
  return { state: stateOf(reasons, failed), reasons: bySeverity(reasons) };
}

/** Verdict of the run: the findings of its cells, each once, with the cells it was found in. */
export function judgeRun(
  cells: readonly CellSummary[],
  run: {
    readonly arms: number;
    readonly repeats: number;
    readonly cellsPlanned: number;
    /** Findings that belong to no single cell. */
    readonly findings?: readonly Finding[];
  },
): Verdict {
  const reasons: Finding[] = [];
  for (const cell of cells) {
    for (const finding of cell.verdict.reasons) {
      const same = reasons.find(
        (reason) => reason.id === finding.id && reason.severity === finding.severity,
      );
      if (same === undefined) reasons.push({ ...finding, cells: [cell.id] });
      else if (same.cells!.at(-1) !== cell.id) same.cells!.push(cell.id);
    }
  }
  reasons.push(...longerPaths(cells), ...(run.findings ?? []));
  if (cells.length < run.cellsPlanned) reasons.push(cutShort(cells.length, run.cellsPlanned));
  if (run.arms > 1 && run.repeats < REPEATS_FOR_CLAIMS) reasons.push(fewRepeats(run.repeats));
  const failed = cells.length === 0 || cells.some((cell) => cell.verdict.state === "failed");
  return { state: stateOf(reasons, failed), reasons: bySeverity(reasons) };
}

function stateOf(reasons: readonly Finding[], failed: boolean): Verdict["state"] {
  if (failed) return "failed";
  return reasons.some((reason) => reason.severity === "untrusted") ? "untrusted" : "trusted";
}

function bySeverity(reasons: readonly Finding[]): Finding[] {
  const heavy = reasons.filter((reason) => reason.severity === "untrusted");
  return [...heavy, ...reasons.filter((reason) => reason.severity === "note")];
}

function cutShort(done: number, planned: number): Finding {
  return {
    id: "cut-short",
    severity: "untrusted",
    message: `Only ${done} of ${planned} cells were measured`,
    hint: "Continue with --resume and the run's folder",
  };
}

function fewRepeats(repeats: number): Finding {
  return {
    id: "few-repeats",
    severity: "note",
    message: `Intervals come from ${repeats === 1 ? "one repeat" : `${repeats} repeats`} and hold for this run only`,
    hint: `Use --repeat ${REPEATS_FOR_CLAIMS} or more for intervals that cover other runs`,
  };
}
