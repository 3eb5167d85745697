/** Help texts, made from the schemas. */
import { flagSpecs, optionGroups, titled } from "../options/option-groups.ts";
import { optionSpecs, type Bounds, type OptionSpec } from "../../plan/option-spec.ts";
import { wrapped } from "./wrapped.ts";
import type { OptionsSchema } from "../../contract/plugin.ts";
import type { PluginSet } from "../../plugin-folder/plugin-set.ts";
import type { AnyPlugin } from "../../contract/plugins.ts";

const WIDTH = 98;
const FLAG_COLUMN = 32;

export const OVERVIEW = `dynbench: which LLM router serves your traffic best, and why

Usage: dynbench COMMAND [options]

Commands:
  run          measure routers: start engines, send the load, compare, report
  tune         find the best setting of routers for a load, by simulation
  size         find how many workers a load needs, by simulation
  plan         print everything that a run would start and send; start nothing
  up           start an engine and a router, and keep them running
  ping [URL]   send one streamed request and check the answer
  report DIR…  rebuild the reports of a run folder, or compare several
  trace        analyze a trace of requests, synthesize a similar one, or convert it
  plugin       list, show, add and remove plugins; make, test and pack one of your own
  doctor       check this machine for runs, and remove what killed runs left behind
  null-server  a server of known timing, to measure a load generator with
  completion   print the completion script for bash, zsh or fish
  man          print the manual page

Start here:
  dynbench run                                   8 simulated L40S workers behind the kv router
  dynbench run --router kv,round-robin --repeat 3
  dynbench run --help                            every option of a run

Exit codes: 0 fine, 1 bug, 2 bad plan, 3 did not come up, 4 load failed, 5 not to be trusted,
            130 interrupted
`;

/** Descriptions of the commands that have the options of a run. */
const DOES: Readonly<Record<string, string>> = {
  run: "Starts engines and routers, sends the load through each router, compares them and reports.",
  tune: "Finds the best setting of each router for a load, by simulation, and judges it on requests held out.",
  size: "Finds the fewest workers with which each router keeps the limits of --slo, or the highest rate, by simulation.",
  plan: "Prints everything that `dynbench run` with the same options would start and send.",
  up: "Starts one engine and one router, prints their URLs and stays until Ctrl-C. Sends no load.",
};

/** `dynbench run --help`: the run's options, then those of the chosen plugins. */
export function runHelp(command: string, plugins: PluginSet, chosen: readonly AnyPlugin[]): string {
  const names = (kind: "engine" | "router" | "workload"): string[] =>
    plugins.ofKind(kind).map(({ plugin }) => plugin.name);
  const sections = [
    `Usage: dynbench ${command} [options] [-- engine arguments]`,
    "",
    DOES[command] ?? "",
    "",
    ...examples(command),
    "",
    ...optionGroups(command, plugins, chosen).flatMap(({ title, specs }) => section(title, specs)),
    ...(["engine", "router", ...(command === "up" ? [] : ["workload" as const])] as const).flatMap(
      (kind) =>
        wrapped(`${titled(kind)}s: ${names(kind).join(", ")}`, { width: WIDTH, indent: "" }),
    ),
    "",
    "Options of other plugins: dynbench plugin show NAME.",
    ...NAMING,
    ...(command === "up" ? [] : SWEEPING),
  ];
  return `${sections.join("\n")}\n`;
}

const NAMING = [
  "If two parts have an option of the same name, name the part: --workload.NAME, --router.NAME.",
];
const SWEEPING = [
  "Options of reporters always have the reporter's name in front: --html.path PAGE.",
  "A list of values sweeps an option of the workload: --prefix-ratio 0.1,0.5.",
];

function examples(command: string): string[] {
  if (command === "up") {
    return [
      "Examples:",
      "  dynbench up",
      "  dynbench up --router round-robin --workers 2 --port 8000",
      "  dynbench up --engine attach --worker-url http://127.0.0.1:8001,http://127.0.0.1:8002",
    ];
  }
  return [
    "Examples:",
    `  dynbench ${command} --engine mocker --workload prefix --router kv,round-robin --repeat 3`,
    `  dynbench ${command} --router kv:temperature=0.5,kv --prefix-ratio 0.1,0.5,0.9`,
    `  dynbench ${command} --sweep concurrency=1,8,64 --isl 4000 --osl 100`,
    `  dynbench ${command} --router attach --url http://127.0.0.1:8000`,
  ];
}

/** `dynbench plugin show NAME`. */
export function pluginHelp(plugin: AnyPlugin, source: string): string {
  const names = plugin.aliases?.length ? ` (also ${plugin.aliases.join(", ")})` : "";
  return `${[
    `${titled(plugin.kind)} ${plugin.name}${names}: ${plugin.summary}`,
    ...(source === "bundled" ? [] : [`From ${source}`]),
    "",
    ...describedOptions(plugin),
  ].join("\n")}\n`;
}

function describedOptions(plugin: AnyPlugin): string[] {
  const specs = flagSpecs(plugin);
  return specs.length === 0 ? ["It has no options."] : section("Options", specs).slice(0, -1);
}

function section(heading: string, specs: readonly OptionSpec[]): string[] {
  return [`${heading}:`, ...specs.flatMap(optionLines), ""];
}

/** Every option of a schema with its description and default: for `--help` of a command. */
export function optionList(schema: OptionsSchema): string {
  return `${optionSpecs(schema).flatMap(optionLines).join("\n")}\n`;
}

function optionLines(spec: OptionSpec): string[] {
  const flag = `  --${spec.flag}${spec.type === "boolean" ? "" : ` ${placeholder(spec)}`}`;
  const fallback = spec.sweep
    ? `[${spec.sweep.join(",")}]`
    : spec.default === false // the default of every switch
      ? ""
      : defaultText(spec);
  const alias = spec.aliases.length > 0 ? ` (also --${spec.aliases.join(", --")})` : "";
  const text = [describedBounds(spec), fallback].filter((part) => part !== "").join(" ") + alias;
  const indent = " ".repeat(FLAG_COLUMN);
  const [first, ...rest] = wrapped(text, { width: WIDTH, indent });
  const isShort = flag.length < FLAG_COLUMN - 1;
  return isShort
    ? [flag.padEnd(FLAG_COLUMN) + first!.trimStart(), ...rest]
    : [flag, first!, ...rest];
}

/** The description with the bounds of a number: `Requests in flight (1 to 16,384)`. */
export function describedBounds({ description, bounds }: OptionSpec): string {
  const text = boundsText(bounds);
  return text === "" ? description : `${description} (${text})`;
}

function boundsText({ least, above, most }: Bounds): string {
  const shown = (value: number): string =>
    value.toLocaleString("en-US", { maximumFractionDigits: 9 });
  const low = least ?? above;
  if (low === undefined) return most === undefined ? "" : `up to ${shown(most)}`;
  const from = least === undefined ? `above ${shown(low)}` : shown(low);
  if (most !== undefined) return `${from} to ${shown(most)}`;
  return least === undefined ? from : `from ${from}`;
}

/** Stands for the value of an option. */
export function placeholder(spec: OptionSpec): string {
  if (spec.choices) return spec.choices.join("|").length <= 20 ? spec.choices.join("|") : "NAME";
  if (spec.type === "number") return "N";
  if (spec.type === "list") return spec.isVerbatim ? "TEXT" : "A,B";
  return "TEXT";
}

/** `[8]`; empty for an option without a default. */
export function defaultText(spec: OptionSpec): string {
  if (spec.isRequired) return "(required)";
  if (spec.default === undefined || (Array.isArray(spec.default) && spec.default.length === 0))
    return "";
  return `[${Array.isArray(spec.default) ? spec.default.join(",") : String(spec.default)}]`;
}
