/** `dynbench doctor`: checks this machine for runs, and removes what killed runs left behind. */
import * as v from "valibot";
import { loadPlugins, PLUGIN_OPTIONS } from "../options/added-plugins.ts";
import type { CommandLine } from "../options/command-line.ts";
import { doctorText } from "../text/doctor-text.ts";
import type { Environment } from "../options/environment.ts";
import { optionList } from "../text/help.ts";
import { wantsColor } from "../text/log.ts";
import { readOwnOptions } from "../options/own-options.ts";
import { stateOf, type Check } from "../../doctor/check.ts";
import { examine } from "../../doctor/examine.ts";
import { findLeftovers, removeLeftovers, type Leftovers } from "../../doctor/leftovers.ts";
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";
import { VERSION } from "../../base/version.ts";

export const DoctorOptions = v.strictObject({
  clean: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        "Remove processes and temporary folders that killed runs left behind, and list them",
      ),
    ),
    false,
  ),
  json: v.optional(
    v.pipe(v.boolean(), v.description("Print JSON on stdout and nothing else")),
    false,
  ),
  python: v.optional(
    v.pipe(v.string(), v.description("Python in which to look for engines [python3]")),
  ),
  out: v.optional(v.pipe(v.string(), v.description("Folder of the run folders")), "runs"),
  ...PLUGIN_OPTIONS,
});

const HELP = `Usage: dynbench doctor [options]

Checks what a run needs on this machine: GPUs, processors, limits, folders, ports, and the programs
and Python packages of engines and routers. Each line shows what was found, → what to do next.
✓ fine, · worth knowing, ! prevents some runs or good figures, ✗ prevents every run.

`;
const HELP_END = `
Exit codes: 0 a run can start; 3 there is a ✗, or --clean could not remove something.
`;

export async function doctor(line: CommandLine, environment: Environment): Promise<number> {
  if (line.wantsHelp) {
    process.stdout.write(`${HELP}${optionList(DoctorOptions)}${HELP_END}`);
    return EXIT_CODES.ok.code;
  }
  const { chosen, words } = readOwnOptions("doctor", DoctorOptions, line);
  if (words.length > 0) {
    throw new DynbenchError("plan", `Cannot examine "${words[0]}": doctor takes no words`, {
      hint: "See dynbench doctor --help",
    });
  }
  if (chosen.clean) return clean(chosen);
  const { plugins } = environment;
  await loadPlugins(plugins, chosen);
  const checks = await examine({
    plugins: plugins.all.map(({ plugin }) => plugin),
    python: chosen.python ?? "python3",
    isPythonNamed: chosen.python !== undefined,
    runs: chosen.out,
  });
  const state = stateOf(checks);
  process.stdout.write(
    chosen.json ? json({ state, checks }) : doctorText(checks, terminal(process.stdout)),
  );
  return state === "fault" ? EXIT_CODES.start.code : EXIT_CODES.ok.code;
}

async function clean({ json: asJson, out }: { json: boolean; out: string }): Promise<number> {
  const found = findLeftovers(out);
  const kept = await removeLeftovers(found);
  process.stdout.write(asJson ? json({ ...found, kept }) : cleanText(found, kept));
  return kept.length > 0 ? EXIT_CODES.start.code : EXIT_CODES.ok.code;
}

function cleanText({ processes, folders }: Leftovers, kept: readonly string[]): string {
  const found = [
    ...processes.map(({ pid, command }) => `process ${pid} ${command}`),
    ...folders.map((folder) => `folder ${folder}`),
  ];
  if (found.length === 0) return "Killed runs have left nothing behind.\n";
  const rest =
    kept.length === 0 ? [] : ["Could not be removed:", ...kept.map((each) => `  ${each}`)];
  return `${["Left behind by killed runs, and removed:", ...found.map((each) => `  ${each}`), ...rest].join("\n")}\n`;
}

interface DoctorReport {
  readonly state: Check["state"];
  readonly checks: readonly Check[];
}

function json(report: DoctorReport | (Leftovers & { kept: readonly string[] })): string {
  const tool = { name: "dynbench", version: VERSION };
  return `${JSON.stringify({ schemaVersion: 1, tool, ...report }, null, 2)}\n`;
}

const USUAL_COLUMNS = 100;

function terminal(stream: NodeJS.WriteStream): { columns: number; color: boolean } {
  return { columns: stream.columns ?? USUAL_COLUMNS, color: wantsColor(stream) };
}
