/** What stands on stdout when a run is over: verdict, main table, comparisons, findings, errors, where the report is. */
import { resolve } from "node:path";
import type { Comparison, Finding, Plan, RunResult, Verdict } from "dynbench";
import { mainTable } from "./console-table.ts";
import { clip, describe, plain, WIDTH, wrap, type Paint } from "./console-text.ts";

export function finalText(
  run: RunResult,
  context: { plan: Plan; runDir: string; paint: Paint },
): string {
  const { paint } = context;
  const { verdict, comparisons } = run.summary;
  const blocks = [
    [verdictLine(verdict, paint)],
    run.cells.length > 0 ? mainTable(run, paint) : ["No cell was measured."],
    timeNote(run),
    comparisons
      .filter(({ metric }) => metric === "ttftMs.mean")
      .flatMap((one) => comparisonLine(one, paint)),
    verdict.reasons.flatMap((finding) => findingLines(finding, paint)),
    errorLines(run),
    [whereLine(context)],
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function verdictLine({ state, reasons }: Verdict, paint: Paint): string {
  if (state === "trusted") return paint("green", "✓ Trusted: all checks passed");
  const count = reasons.filter(({ severity }) => severity === "untrusted").length;
  const because = count === 0 ? "" : `: ${count} ${count === 1 ? "reason" : "reasons"} below`;
  return paint("red", state === "failed" ? `✗ Failed${because}` : `! Not to be trusted${because}`);
}

function timeNote({ summary }: RunResult): string[] {
  const scales = [...new Set(summary.cells.map(({ timeScale }) => timeScale))].filter(
    (scale) => scale !== 1,
  );
  const unit = "TTFT, ITL and E2E in ms, repeats pooled";
  if (scales.length === 0) return [`${unit}.`];
  return [`${unit}; the engine runs ${scales.join("x, ")}x faster than what it models.`];
}

/** `kv vs round-robin at prefixRatio 0.9: TTFT 0.61x (0.55–0.67, 95 %, t over 3 repeats)`. */
export function comparisonLine(comparison: Comparison, paint: Paint): string[] {
  const { a, b, ratio, n } = comparison;
  const at = describe(comparison.parameters);
  const how =
    comparison.unitOfN === "repeats"
      ? `t over ${n} repeats`
      : `bootstrap over ${n} requests, this run only`;
  const sure = `${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}, ${Math.round(comparison.confidence * 100)} %, ${how}`;
  const told = ratio.high < 1 ? "" : ratio.low > 1 ? "" : ": not told apart";
  const text = `${b} vs ${a}${at === "" ? "" : ` at ${at}`}: TTFT ${ratio.value.toFixed(2)}x (${sure})${told}`;
  const colour = ratio.high < 1 ? "green" : ratio.low > 1 ? "red" : "dim";
  return wrap(plain(text), "  ").map((line) => paint(colour, line));
}

function findingLines(finding: Finding, paint: Paint): string[] {
  const doubt = finding.severity === "untrusted";
  const cells = finding.cells?.length ?? 0;
  const where = cells === 0 ? "" : ` (in ${cells} ${cells === 1 ? "cell" : "cells"})`;
  const [first, ...rest] = wrap(plain(`${doubt ? "!" : "·"} ${finding.message}${where}`), "  ");
  return [
    paint(doubt ? "yellow" : "dim", first!),
    ...rest,
    ...wrap(plain(`  Try: ${finding.hint}`), "  ").map((line, i) => (i === 0 ? `  ${line}` : line)),
  ];
}

const MAX_ERRORS = 8;

/** Failed requests of all cells, by kind and the server's own words, most frequent first. */
function errorLines({ summary }: RunResult): string[] {
  const counts = new Map<string, number>();
  let stopped = 0;
  for (const { errors } of summary.cells) {
    for (const { kind, status, message, count } of errors) {
      if (kind === "aborted") {
        stopped += count; // we broke it off; the server did nothing wrong
        continue;
      }
      const text = `${kind}${status === undefined ? "" : ` ${status}`}: ${plain(message)}`;
      counts.set(text, (counts.get(text) ?? 0) + count);
    }
  }
  const cut =
    stopped === 0
      ? []
      : [
          `${stopped} ${stopped === 1 ? "request was" : "requests were"} in flight when the load stopped.`,
        ];
  if (counts.size === 0) return cut;
  const sorted = [...counts].sort(([, x], [, y]) => y - x);
  const failed = sorted.reduce((sum, [, count]) => sum + count, 0);
  const lines = sorted
    .slice(0, MAX_ERRORS)
    .map(([text, count]) => clip(`  ${count} × ${text}`, WIDTH));
  const more = sorted.length - lines.length;
  return [
    `${failed} failed ${failed === 1 ? "request" : "requests"}:`,
    ...lines,
    ...(more > 0
      ? [`  and ${more} other ${more === 1 ? "message" : "messages"}, in summary.json`]
      : []),
    ...cut,
  ];
}

function whereLine({ plan, runDir }: { plan: Plan; runDir: string }): string {
  const page = plan.reporters.find(({ name }) => name === "html")?.options["path"];
  return typeof page === "string"
    ? `Report: ${resolve(runDir, page)}`
    : `Results: ${resolve(runDir)}`;
}
