/** Runs the command that argv names; returns the exit code. */
import { defineCommand, runCommand, type CommandDef } from "citty";
import { COMMANDS, type CommandName } from "./options/command-list.ts";
import { readCommandLine, type CommandLine } from "./options/command-line.ts";
import type { Environment } from "./options/environment.ts";
import { columnsOf, faultText } from "./text/fault-text.ts";
import { OVERVIEW } from "./text/help.ts";
import { DynbenchError, EXIT_CODES } from "../base/errors.ts";
import { didYouMean } from "../base/suggest.ts";
import { VERSION, versionFacts } from "../base/version.ts";
import { whyNot } from "../base/why-not.ts";

type Body = (line: CommandLine, environment: Environment) => Promise<number>;

/** A command is loaded when it is called, because most of the start-up time goes into imports. */
const BODIES: Readonly<Record<CommandName, () => Promise<Body>>> = {
  run: async () => (await import("./commands/run.ts")).run,
  tune: async () => (await import("./commands/tune.ts")).tune,
  size: async () => (await import("./commands/size.ts")).size,
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
  keepStdout();
  const unwritten = watchOutput();
  const exitCode = await runLine(readCommandLine(argv), environment);
  const fault = await unwritten();
  if (fault === undefined || !IS_ANSWER.has(exitCode)) return exitCode;
  process.stderr.write(
    `Cannot write to standard output: ${whyNot(fault)}\n` +
      "Send it elsewhere; what a run measured is in its folder, for dynbench report\n",
  );
  return EXIT_CODES.load.code;
}

/** Exit codes of commands whose answer stands on stdout. */
const IS_ANSWER = new Set<number>([EXIT_CODES.ok.code, EXIT_CODES.untrusted.code]);

async function runLine(line: CommandLine, environment: Environment): Promise<number> {
  try {
    const { command } = line;
    if (command === "--version" || command === "-v") {
      const isJson = line.flags.some(({ name }) => name === "json");
      process.stdout.write(`${isJson ? JSON.stringify(versionFacts()) : VERSION}\n`);
      return 0;
    }
    if (command === undefined || ["--help", "-h", "help"].includes(command)) {
      process.stdout.write(OVERVIEW);
      return command === undefined ? 2 : 0;
    }
    if (!Object.hasOwn(COMMANDS, command)) throw unknownCommand(command);
    return await dispatch(command, line, environment);
  } catch (error) {
    const { text, exitCode } = faultText(error, {
      debug: line.debug,
      plugins: environment.plugins,
      columns: columnsOf(process.stderr),
    });
    process.stderr.write(text);
    return exitCode;
  }
}

/** stdout carries results only: console output of a plugin that is planned or simulated here goes to stderr. */
function keepStdout(): void {
  const toStderr = console.error.bind(console);
  Object.assign(console, { log: toStderr, info: toStderr, debug: toStderr });
}

/**
 * A closed terminal or pager loses the output, but must not end the run. Returns what else stdout met,
 * once all of it is written.
 */
function watchOutput(): () => Promise<unknown> {
  let fault: unknown;
  process.stderr.on("error", () => {});
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") fault ??= error;
  });
  return async () => {
    await new Promise((resolve) => process.stdout.write("", resolve));
    await new Promise(setImmediate); // the event follows the call
    return fault;
  };
}

async function dispatch(
  command: string,
  line: CommandLine,
  environment: Environment,
): Promise<number> {
  let exitCode = 0;
  const subCommands: Record<string, CommandDef> = {};
  for (const [name, load] of Object.entries(BODIES)) {
    subCommands[name] = defineCommand({
      meta: { name, description: COMMANDS[name as CommandName] },
      run: async () => {
        const body = await load();
        exitCode = await body(line, environment);
      },
    });
  }
  await runCommand(defineCommand({ meta: { name: "dynbench", version: VERSION }, subCommands }), {
    rawArgs: [command],
  });
  return exitCode;
}

function unknownCommand(name: string): DynbenchError {
  const guess = didYouMean(name, Object.keys(COMMANDS));
  return new DynbenchError("plan", `There is no command "${name}"`, {
    hint: guess ? `Did you mean "${guess}"?` : `Commands: ${Object.keys(COMMANDS).join(", ")}`,
  });
}
