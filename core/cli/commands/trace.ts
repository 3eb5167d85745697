/** `dynbench trace analyze|synthesize|convert`: dispatches to the subcommand. */
import type { CommandLine } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";
import { didYouMean } from "../../base/suggest.ts";

const HELP = `Usage: dynbench trace analyze FILE… [options]
       dynbench trace synthesize FILE --num-requests N [options]
       dynbench trace convert FILE [--to FORMAT] [options]

analyze      Print lengths, shared prefixes, hit shares and arrivals of a trace
synthesize   Write a similar trace, if wanted with longer prompts, more prefixes, faster arrivals
convert      Convert a trace of another format to Mooncake rows, or the other way round

"dynbench trace analyze --help" prints the options. To replay a trace:
dynbench run --workload mooncake --trace FILE
`;

type Verb = (line: CommandLine, environment: Environment) => Promise<number>;

const VERBS: Record<string, () => Promise<Verb>> = {
  analyze: async () => (await import("./trace-analyze.ts")).traceAnalyze,
  convert: async () => (await import("./trace-convert.ts")).traceConvert,
  synthesize: async () => (await import("./trace-synthesize.ts")).traceSynthesize,
};

export async function trace(line: CommandLine, environment: Environment): Promise<number> {
  const [first, ...tokens] = line.tokens;
  const verb = typeof first === "object" ? `--${first.name}` : first;
  if (verb !== undefined && Object.hasOwn(VERBS, verb)) {
    const command = await VERBS[verb]!();
    return command({ ...line, tokens }, environment);
  }
  if (line.wantsHelp) {
    process.stdout.write(HELP);
    return EXIT_CODES.ok.code;
  }
  const verbs = Object.keys(VERBS);
  const guess = verb === undefined ? undefined : didYouMean(verb, verbs);
  throw new DynbenchError(
    "plan",
    `Cannot work on a trace: expected ${verbs.join(", ")}, got ${verb === undefined ? "nothing" : `"${verb}"`}`,
    { hint: guess ? `Did you mean "dynbench trace ${guess}"?` : 'See "dynbench trace --help"' },
  );
}
