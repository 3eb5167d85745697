/** `dynbench trace analyze|synthesize|convert`: what a trace holds, more of its kind, other formats. */
import type { CommandLine } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";
import { didYouMean } from "../../base/suggest.ts";

const HELP = `Usage: dynbench trace analyze FILE… [options]
       dynbench trace synthesize FILE --num-requests N [options]
       dynbench trace convert FILE [--to FORMAT] [options]

analyze      Lengths, sharing, hit shares and arrivals of a trace
synthesize   New rows that share like a trace's, with longer prompts, more prefixes, faster arrivals
convert      A trace of another format as Mooncake rows, or the other way round

"dynbench trace analyze --help" has the options. To replay a trace:
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
