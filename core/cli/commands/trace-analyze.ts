/** `dynbench trace analyze FILE…`: prints what the rows of traces have in common. */
import * as v from "valibot";
import type { CommandLine } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { optionList } from "../text/help.ts";
import { readOwnOptions } from "../options/own-options.ts";
import { analysisText } from "../text/trace-text.ts";
import { readWhole, traceFileEntries } from "../options/trace-file-options.ts";
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";
import { writeLines } from "../../system/write-lines.ts";
import { analyzeTrace } from "../../trace/analysis/analysis.ts";
import type { TraceFormat } from "../../trace/trace-format.ts";
import { VERSION } from "../../base/version.ts";

export const analyzeOptions = (formats: readonly TraceFormat[]) =>
  v.strictObject({
    ...traceFileEntries(formats),
    inputFile: v.pipe(v.optional(v.string()), v.description("Trace file, as datagen names it")),
    cacheBlocks: v.pipe(
      v.optional(
        v.pipe(
          v.array(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1e9))),
          v.minLength(1),
        ),
      ),
      v.description("Cache sizes to report, in blocks [256, doubled until everything fits]"),
    ),
    json: v.pipe(v.optional(v.boolean(), false), v.description("Print the analysis as JSON")),
    html: v.pipe(
      v.optional(v.pipe(v.string(), v.nonEmpty("must name a file"))),
      v.description("Write a page with charts to this file"),
    ),
  });

export async function traceAnalyze(
  line: CommandLine,
  { traceFormats: formats }: Environment,
): Promise<number> {
  const schema = analyzeOptions(formats);
  if (line.wantsHelp) {
    process.stdout.write(
      "Usage: dynbench trace analyze FILE… [options]\n\n" +
        "Prints lengths, shared prefixes, hit shares and arrivals of traces (plain, gzip or zstd; - is\n" +
        `standard input).\n\n${optionList(schema)}`,
    );
    return EXIT_CODES.ok.code;
  }
  const { chosen, words } = readOwnOptions("trace analyze", schema, line);
  const files = [...words, ...(chosen.inputFile === undefined ? [] : [chosen.inputFile])];
  if (files.length === 0) {
    throw new DynbenchError("plan", "Cannot analyze: expected a trace file", {
      hint: "dynbench trace analyze trace.jsonl",
    });
  }
  const pools = chosen.cacheBlocks?.toSorted((a, b) => a - b);
  const analyses = [];
  for (const file of files) {
    const analysis = {
      file,
      ...analyzeTrace(await readWhole(file, { ...chosen, formats }), pools),
    };
    analyses.push(analysis);
    if (!chosen.json) process.stdout.write(analysisText(analysis));
  }
  if (chosen.json) {
    process.stdout.write(`${JSON.stringify(analyses.length === 1 ? analyses[0] : analyses)}\n`);
  }
  if (chosen.html !== undefined) {
    const { tracePage } = await import("../../../reports/template.ts");
    const page = tracePage({ tool: `dynbench ${VERSION}`, traces: analyses });
    await writeLines(chosen.html, [page], "--html");
    process.stderr.write(`Page: ${chosen.html}\n`);
  }
  return EXIT_CODES.ok.code;
}
