/** The commands, loaded when they are called: start-up is imports. */
import { defineCommand, runCommand, type CommandDef } from "citty";
import type { Environment } from "./environment.ts";
import { columnsOf, faultText } from "./fault-text.ts";
import { OVERVIEW } from "./help.ts";
import { DynbenchError } from "../errors.ts";
import { didYouMean } from "../plan/suggest.ts";
import { VERSION, versionFacts } from "../version.ts";

type Body = (argv: readonly string[], environment: Environment) => Promise<number>;

const COMMANDS: Record<string, { description: string; load: () => Promise<Body> }> = {
  run: {
    description: "Measure routers",
    load: async () => (await import("./run.ts")).run,
  },
  plan: {
    description: "Print what a run would start and send",
    load: async () => (await import("./plan.ts")).plan,
  },
  up: {
    description: "Start an engine and a router and keep them up",
    load: async () => (await import("./up.ts")).up,
  },
  ping: {
    description: "Send one streamed request and check the answer",
    load: async () => (await import("./ping.ts")).ping,
  },
  report: {
    description: "Rebuild the reports of run folders",
    load: async () => (await import("./report.ts")).report,
  },
  trace: {
    description: "Analyze a trace, or synthesize more of its kind",
    load: async () => (await import("./trace.ts")).trace,
  },
  plugin: {
    description: "List, show, add and remove plugins; make, test and pack one",
    load: async () => (await import("./plugin.ts")).plugin,
  },
  doctor: {
    description: "Look at what this machine has for runs, and remove what dead runs left",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  "null-server": {
    description: "A server of known timing",
    load: async () => (await import("./null-server.ts")).nullServer,
  },
};

/** Runs the command line; returns the exit code. Never throws. */
export async function runCli(argv: readonly string[], environment: Environment): Promise<number> {
  // What comes after a lone -- is the engine's, its --debug too.
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const own = argv.slice(0, end);
  const debug = own.includes("--debug");
  keepStdout();
  outliveReaders();
  const rawArgs = [...own.filter((token) => token !== "--debug"), ...argv.slice(end)];
  try {
    const first = rawArgs[0];
    if (first === "--version" || first === "-v") {
      const isJson = rawArgs.includes("--json");
      process.stdout.write(`${isJson ? JSON.stringify(versionFacts()) : VERSION}\n`);
      return 0;
    }
    if (first === undefined || first === "--help" || first === "-h" || first === "help") {
      process.stdout.write(OVERVIEW);
      return first === undefined ? 2 : 0;
    }
    if (!Object.hasOwn(COMMANDS, first)) throw unknownCommand(first);
    return await dispatch(rawArgs, environment);
  } catch (error) {
    const { text, exitCode } = faultText(error, {
      debug,
      plugins: environment.plugins,
      columns: columnsOf(process.stderr),
    });
    process.stderr.write(text);
    return exitCode;
  }
}

/** stdout is for results: what a plugin prints while it is planned or simulated here goes to stderr. */
function keepStdout(): void {
  const toStderr = console.error.bind(console);
  Object.assign(console, { log: toStderr, info: toStderr, debug: toStderr });
}

/** A terminal that was closed or a pager that was left loses what is written, and no run with it. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}

async function dispatch(rawArgs: string[], environment: Environment): Promise<number> {
  let exitCode = 0;
  const subCommands: Record<string, CommandDef> = {};
  for (const [name, { description, load }] of Object.entries(COMMANDS)) {
    subCommands[name] = defineCommand({
      meta: { name, description },
      run: async (context) => {
        exitCode = await (await load())(context.rawArgs, environment);
      },
    });
  }
  await runCommand(defineCommand({ meta: { name: "dynbench", version: VERSION }, subCommands }), {
    rawArgs,
  });
  return exitCode;
}

function unknownCommand(name: string): DynbenchError {
  const guess = didYouMean(name, Object.keys(COMMANDS));
  return new DynbenchError("plan", `There is no command "${name}"`, {
    hint: guess ? `Did you mean "${guess}"?` : `Commands: ${Object.keys(COMMANDS).join(", ")}`,
  });
}
