/** argv → the command that it names, and its exit code. */
import { defineCommand, runCommand, type CommandDef } from "citty";
import { COMMANDS, type CommandName } from "./options/command-list.ts";
import type { Environment } from "./options/environment.ts";
import { columnsOf, faultText } from "./text/fault-text.ts";
import { OVERVIEW } from "./text/help.ts";
import { DynbenchError } from "../base/errors.ts";
import { didYouMean } from "../base/suggest.ts";
import { VERSION, versionFacts } from "../base/version.ts";

type Body = (argv: readonly string[], environment: Environment) => Promise<number>;

/** Loaded when they are called: start-up is imports. */
const BODIES: Readonly<Record<CommandName, () => Promise<Body>>> = {
  run: async () => (await import("./commands/run.ts")).run,
  plan: async () => (await import("./commands/plan.ts")).plan,
  up: async () => (await import("./commands/up.ts")).up,
  ping: async () => (await import("./commands/ping.ts")).ping,
  report: async () => (await import("./commands/report.ts")).report,
  trace: async () => (await import("./commands/trace.ts")).trace,
  plugin: async () => (await import("./commands/plugin.ts")).plugin,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  "null-server": async () => (await import("./commands/null-server.ts")).nullServer,
  completion: async () => (await import("./commands/completion.ts")).completion,
  man: async () => (await import("./commands/man.ts")).man,
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
  for (const [name, load] of Object.entries(BODIES)) {
    subCommands[name] = defineCommand({
      meta: { name, description: COMMANDS[name as CommandName] },
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
