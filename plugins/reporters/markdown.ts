/**
 * `results.md` in the run folder: the terminal's tables as Markdown, with the command and the reasons
 * of the verdict, to paste into an issue or a chat. Rewritten after cells, at most every few seconds.
 */
import { defineReporter } from "dynbench";
import {
  controlSentence,
  shownIn,
  withoutControl,
  writeHeadline,
  type RunResult,
} from "dynbench/report";
import { comparisonGrids, ratioText, type Grid } from "../shared/reporters/comparison-grids.ts";
import { plain } from "../shared/reporters/text.ts";
import { FIGURE_HEAD, resultRows } from "../shared/reporters/result-rows.ts";
import { openRewritten, rewrittenFileOptions } from "../shared/reporters/rewritten-file.ts";
import { programsLine, timeSentence } from "../shared/reporters/run-sentences.ts";

export const markdown = defineReporter({
  name: "markdown",
  summary: "results.md in the run folder: the tables to paste",
  options: rewrittenFileOptions("results.md", "file"),
  open: (options, plan, { runDir }) =>
    openRewritten(options, plan, { runDir, textOf: resultsText }),
});

/** Pure. */
export function resultsText(whole: RunResult): string {
  const run = withoutControl(whole);
  const { verdict, comparisons, control, startedAt, tool } = run.summary;
  // A report of several runs has the command of each.
  const commands = run.command
    .split("\n")
    .map(plain)
    .filter((line) => line !== "");
  const { swept, rows } = resultRows(run);
  const names = swept === "" ? ["router"] : [swept, "router"];
  const main = table(
    [...names, ...FIGURE_HEAD],
    rows.map(({ setting, arm, figures }) => [
      ...(swept === "" ? [arm] : [setting, arm]),
      ...figures,
    ]),
    names.length,
  );
  const reasons = verdict.reasons.map(({ severity, message, cells = [] }) => {
    const where = cells.length === 0 ? "" : ` (in ${counted(cells.length)})`;
    return `- ${severity === "untrusted" ? "**Doubt**: " : ""}${text(message)}${where}`;
  });
  const blocks = [
    [`${tool.name} ${tool.version}, ${startedAt}: **${verdict.state}**`],
    commands.length === 0 ? [] : ["```sh", ...commands, "```"],
    main,
    [[timeSentence(run), programsLine(run)].filter((line) => line !== "").join(" ")],
    run.sideBySide === undefined
      ? [text(writeHeadline(run.summary, shownIn(run.plan)).sentence)]
      : [],
    ...comparisonGrids(comparisons).flatMap((grid) => [[text(grid.title)], gridTable(grid)]),
    control === undefined ? [] : [text(controlSentence(control))],
    reasons,
  ];
  const full = blocks.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${full.join("\n\n")}\n`;
}

function gridTable({ corner, head, names, rows }: Grid): string[] {
  return table(
    [corner, ...head],
    rows.map((row, i) => [names[i]!, ...head.map((_, k) => ratioText(row[k]))]),
    1,
  );
}

/** The first `words` columns stand left, figures right. */
function table(head: readonly string[], rows: readonly (readonly string[])[], words: number) {
  const line = (cells: readonly string[]): string => `| ${cells.map(text).join(" | ")} |`;
  const rule = head.map((_, i) => (i < words ? "---" : "---:"));
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)];
}

/** Text of others must not end a cell, nor be read as markup. */
function text(words: string): string {
  return plain(words).replace(/[|<>`*_\\[\]]/g, (mark) => `\\${mark}`);
}

function counted(cells: number): string {
  return `${cells} ${cells === 1 ? "cell" : "cells"}`;
}
