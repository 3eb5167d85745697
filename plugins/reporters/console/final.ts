/** What is printed on stdout at the end of a run: verdict, main table, comparisons, findings, errors, where the report is. */
import { resolve } from "node:path";
import {
  controlSentence,
  shownIn,
  withoutControl,
  writeHeadline,
  type Finding,
  type Plan,
  type RunResult,
  type Verdict,
} from "dynbench/report";
import { bestOfMany } from "../../shared/reporters/best-of-many.ts";
import { comparisonBlocks } from "./comparison.ts";
import { ladderBlock, pooledBlock } from "./hits.ts";
import { sloBlock, tierBlock } from "./service-levels.ts";
import { mainTable } from "./table.ts";
import { programsLine, timeSentence } from "../../shared/reporters/run-sentences.ts";
import { clip, plain, WIDTH, wrap, type Paint } from "../../shared/reporters/text.ts";

export function finalText(
  whole: RunResult,
  context: { plan: Plan; runDir: string; failed: readonly string[]; paint: Paint },
): string {
  const { paint } = context;
  const all = withoutControl(whole);
  const headline = writeHeadline(all.summary, shownIn(all.plan));
  const { run, order, note } = bestOfMany(all);
  const { verdict, comparisons, control } = run.summary;
  const blocks = [
    [verdictLine(verdict, paint)],
    wrap(note, "  ").filter((line) => line !== ""),
    run.cells.length > 0 ? mainTable(run, paint, order) : ["No cell was measured."],
    [...timeNote(run), ...wrap(programsLine(run), "  ")].filter((line) => line !== ""),
    run.cells.length > 0 && run.sideBySide === undefined
      ? wrap(plain(headline.sentence), "  ")
      : [],
    ...comparisonBlocks(comparisons, paint),
    control === undefined ? [] : wrap(plain(controlSentence(control)), "  "),
    ladderBlock(run),
    pooledBlock(run),
    sloBlock(run),
    tierBlock(run),
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

function timeNote(run: RunResult): string[] {
  return wrap(timeSentence(run), "  ");
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
    for (const { kind, status, message, url, count } of errors) {
      if (kind === "aborted") {
        stopped += count; // dynbench aborted them; the server did nothing wrong
        continue;
      }
      // A status of 200 is not the reason of a failure.
      const what = status === undefined || status === 200 ? kind : `${kind} ${status}`;
      const text = `${what}${url === undefined ? "" : ` at ${url}`}: ${plain(message)}`;
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

/** Where the results are; a report that could not be written is not named. */
function whereLine({
  plan,
  runDir,
  failed,
}: {
  plan: Plan;
  runDir: string;
  failed: readonly string[];
}): string {
  if (failed.length > 0) {
    return `Results: ${resolve(runDir)}, but without what ${failed.join(", ")} could not write`;
  }
  const page = plan.reporters.find(({ name }) => name === "html")?.options["path"];
  return typeof page === "string"
    ? `Report: ${resolve(runDir, page)}`
    : `Results: ${resolve(runDir)}`;
}
