/** `dynbench trace synthesize FILE --num-requests N`: writes a similar trace. */
import * as v from "valibot";
import type { CommandLine } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { optionList } from "../text/help.ts";
import { readOwnOptions } from "../options/own-options.ts";
import { readWhole, traceFileEntries } from "../options/trace-file-options.ts";
import { DynbenchError, EXIT_CODES, PlanFaults } from "../../base/errors.ts";
import { writeLines } from "../../system/write-lines.ts";
import { randomStream } from "../../base/random.ts";
import type { TraceFormat } from "../../trace/trace-format.ts";
import {
  boundFaults,
  knobsOf,
  SYNTHESIS_ENTRIES,
} from "../../trace/synthesis/synthesis-options.ts";
import { synthesizeRows } from "../../trace/synthesis/synthesize.ts";
import { learnTrace } from "../../trace/synthesis/trace-model.ts";

const MAX_REQUESTS = 1e9;

export const synthesizeOptions = (formats: readonly TraceFormat[]) =>
  v.strictObject({
    ...traceFileEntries(formats),
    inputFile: v.pipe(v.optional(v.string()), v.description("Trace file, as datagen names it")),
    numRequests: v.pipe(
      v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_REQUESTS)), 100_000),
      v.description("Rows to write"),
      v.metadata({ aliases: ["requests"] }),
    ),
    seed: v.pipe(
      v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff)), 0),
      v.description("Seed of every draw: the same seed gives the same bytes"),
    ),
    out: v.pipe(
      v.optional(v.string(), "-"),
      v.description("File to write; packed if its name ends in .gz or .zst; - is standard output"),
      v.metadata({ aliases: ["output-file"] }),
    ),
    ...SYNTHESIS_ENTRIES,
  });

export async function traceSynthesize(
  line: CommandLine,
  { traceFormats: formats }: Environment,
): Promise<number> {
  const schema = synthesizeOptions(formats);
  if (line.wantsHelp) {
    process.stdout.write(
      "Usage: dynbench trace synthesize FILE --num-requests N --out FILE [options]\n\n" +
        "Learns the shared prefixes and arrivals of a trace, and writes new rows with the same statistics.\n" +
        `Means are preserved, quantiles are not.\n\n${optionList(schema)}`,
    );
    return EXIT_CODES.ok.code;
  }
  const { chosen, words } = readOwnOptions("trace synthesize", schema, line);
  const faults = boundFaults(chosen);
  if (faults.length > 0) throw new PlanFaults(faults);
  const [file, ...more] = [...words, ...(chosen.inputFile ? [chosen.inputFile] : [])];
  if (file === undefined || more.length > 0) {
    throw new DynbenchError("plan", "Cannot synthesize: expected one trace file", {
      hint: "dynbench trace synthesize trace.jsonl --num-requests 10000 --out more.jsonl",
    });
  }
  const model = learnTrace(await readWhole(file, { ...chosen, formats }), file);
  const rows = synthesizeRows(model, knobsOf(chosen), {
    random: randomStream(chosen.seed, "synthesize"),
    count: chosen.numRequests,
  });
  const writer = formats.find(({ name }) => name === "mooncake")!.writer!({
    blockSize: model.blockSize,
  });
  await writeLines(chosen.out, rows.map(writer.line));
  if (chosen.out !== "-") process.stderr.write(`${chosen.numRequests} rows: ${chosen.out}\n`);
  return EXIT_CODES.ok.code;
}
