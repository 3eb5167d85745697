/** An error on the terminal: what happened, where, and what to try. A stack only for a bug. */
import { dirname } from "node:path";
import { wrapped } from "./wrapped.ts";
import { DynbenchError, EXIT_CODES, firstCause, messageOf, PlanFaults } from "../../base/errors.ts";
import type { PluginSet } from "../../plugin-folder/plugin-set.ts";
import type { LoadedPlugin } from "../../contract/plugins.ts";

export interface FaultDetails {
  /** Prints the stack also of errors that are no bug. */
  readonly debug: boolean;
  readonly plugins: Pick<PluginSet, "all">;
  /** Whether processes were started or load was simulated. */
  readonly isRunning?: boolean;
  /** Width of the terminal; undefined if the output is no terminal, and lines are not wrapped. */
  readonly columns?: number | undefined;
}

export interface FaultText {
  readonly text: string;
  readonly exitCode: number;
}

/** The text for stderr and the exit code. Messages quote what was typed, which may move the cursor: it is escaped. */
export function faultText(error: unknown, details: FaultDetails): FaultText {
  const { text, exitCode } = faultOf(error, details);
  return { text: text.replaceAll(CONTROL, escaped), exitCode };
}

const CONTROL = /[^\P{Cc}\n\t]/gu;

function escaped(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

function faultOf(error: unknown, details: FaultDetails): FaultText {
  const cause = firstCause(error);
  if (cause instanceof PlanFaults) {
    const count = cause.faults.length;
    const lines = cause.faults.flatMap(({ path, message, hint }) => [
      `  ${path}: ${message}`,
      ...(hint ? [`    ${hint}`] : []),
    ]);
    const heading = `${cause.of} has ${count === 1 ? "a fault" : `${count} faults`}:`;
    return {
      text: fitted(`${heading}\n${lines.join("\n")}\n`, details.columns),
      exitCode: cause.exitCode,
    };
  }
  if (cause instanceof DynbenchError) {
    const hint = cause.hint ? `\n${cause.hint}` : "";
    const stack = details.debug && cause.stack ? `\n${cause.stack}` : "";
    return {
      text: `${fitted(`${cause.message}${hint}`, details.columns)}${stack}\n`,
      exitCode: cause.exitCode,
    };
  }
  const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  const culprit = details.plugins.all.find((plugin) => isIn(plugin, stack));
  if (culprit) return pluginText(culprit, { cause, stack }, details.isRunning === true);
  return {
    text: `A bug in dynbench, please report it with these lines:\n${stack}\n`,
    exitCode: EXIT_CODES.bug.code,
  };
}

/** Width of the terminal; undefined if the stream is none. */
export function columnsOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY === true ? stream.columns : undefined;
}

/** Wraps lines at the width of the terminal; a continued line keeps the indent of its line. */
function fitted(text: string, columns: number | undefined): string {
  if (columns === undefined) return text;
  return text
    .split("\n")
    .flatMap((line) => {
      const indent = /^ */.exec(line)![0];
      return wrapped(line.slice(indent.length), { width: columns, indent });
    })
    .join("\n");
}

/** Whether the stack has a call in the plugin's file, or in one beside it. */
function isIn({ source }: LoadedPlugin, stack: string): boolean {
  return source !== "bundled" && stack.includes(`${dirname(source)}/`);
}

/** An added plugin threw an error that is no `DynbenchError`, which is a bug of the plugin. */
function pluginText(
  { plugin: { kind, name }, source }: LoadedPlugin,
  thrown: { cause: unknown; stack: string },
  isRunning: boolean,
): FaultText {
  const { cause, stack } = thrown;
  const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : messageOf(cause);
  const folder = `${dirname(source)}/`;
  const places = stack.split("\n").filter((line) => line.includes(folder));
  const isStart = kind === "engine" || kind === "router";
  const { code } = !isRunning ? EXIT_CODES.plan : isStart ? EXIT_CODES.start : EXIT_CODES.load;
  return {
    text: `A bug in the ${kind} "${name}" (${source}), which threw ${what}\n${places.join("\n")}\n`,
    exitCode: code,
  };
}
