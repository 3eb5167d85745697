/**
 * Starts a router that is a program of its own, in front of running workers, and waits until it
 * serves. `find-program.ts` has the places where its command is looked for.
 */
import { DynbenchError, given, v } from "dynbench";
import {
  type Explanation,
  freePorts,
  type RouterHandle,
  type StartContext,
  untilReady,
  urlHost,
} from "dynbench/engine";
import { text } from "../option-shapes.ts";
import { findProgram, programVersion, type VersionSource } from "./find-program.ts";

/** The slowest was ready after 4 s; a machine under load takes ten times that. */
const READY_LIMIT_MS = 60_000;

/** The option that names the program where it is not on PATH under its usual name. */
export function commandOption<const Name extends string>(name: Name) {
  return v.pipe(v.optional(text, name), v.description("Name or path of the program"));
}

export interface ProgramPorts {
  readonly http: number;
  /** For its own figures. */
  readonly metrics: number;
}

/** The program's usual command, which is also its name in messages and logs, and how to install it. */
export interface ProgramNeed {
  readonly command: string;
  readonly install: string;
}

export interface RouterProgram {
  readonly need: ProgramNeed;
  /** The command or path that the user chose. */
  readonly command: string;
  readonly version: VersionSource;
  readonly argv: readonly string[];
  readonly ports: ProgramPorts;
  readonly metricsUrl?: string;
  /** Resolves once it serves at that URL; a rejection means "not yet". */
  isUp(url: string): Promise<unknown>;
  readonly facts: Readonly<Record<string, unknown>>;
  /** As `RouterHandle.prefixesFound`. */
  readonly prefixesFound?: () => Promise<number>;
}

/** The port that the user chose, else free ones; throws where several copies are asked for. */
export function programPorts(name: string, context: StartContext): ProgramPorts {
  if (context.replicas > 1) {
    throw new DynbenchError("plan", `Cannot start ${context.replicas} copies of ${name}`, {
      hint: "Leave out --replicas, or start them yourself and use --router attach",
    });
  }
  const [http, metrics] = freePorts(2);
  return { http: context.port ?? http!, metrics: metrics! };
}

/** `host:port` in a configuration file. */
export function listenAddress(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export async function startProgram(
  program: RouterProgram,
  context: StartContext,
): Promise<RouterHandle> {
  const { need, argv, ports, isUp } = program;
  const path = foundCommand(need, program.command, context.python);
  const version = await programVersion(path, program.version, context.signal);
  context.signal.throwIfAborted();
  const running = await context.processes.startForeign(need.command, [path, ...argv], {
    isUnguarded: true,
    explain: explainProgram,
  });
  const url = `http://${urlHost(context.host)}:${ports.http}`;
  try {
    await untilReady(running, {
      isUp: () => isUp(url),
      limitMs: READY_LIMIT_MS,
      signal: context.signal,
      log: context.log,
      explain: explainProgram,
    });
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
  running.guard();
  return {
    urls: [url],
    ...given({
      metricsUrls: program.metricsUrl === undefined ? undefined : [program.metricsUrl],
      prefixesFound: program.prefixesFound,
    }),
    facts: {
      program: need.command,
      version: version ?? "unknown",
      command: [path, ...argv],
      ...program.facts,
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** The program's path; throws where there is none, with how to install it. */
export function foundCommand(
  { command: name, install }: ProgramNeed,
  command: string,
  python?: string,
): string {
  const path = findProgram(command, python);
  if (path !== undefined) return path;
  throw new DynbenchError("start", `Cannot start ${name}: there is no program "${command}"`, {
    hint: `Install it (${install}), or name it: --${name}-command PATH, or the Python that has it: --python PATH`,
  });
}

/** Pure. Why a router does not serve, from the lines of its log. */
export function explainProgram(lines: readonly string[]): Explanation | undefined {
  const fault = FAULTS.find(({ pattern }) => lines.some((line) => pattern.test(line)));
  return fault && { what: fault.what, hint: fault.hint };
}

const FAULTS: readonly (Explanation & { readonly pattern: RegExp })[] = [
  {
    pattern: /address already in use|cannot bind socket/i,
    what: "another program has taken its port in the meantime",
    hint: "Run it again",
  },
  {
    pattern: /unrecognized arguments|invalid choice|unexpected argument|unknown directive/i,
    what: "this version does not know one of the options that dynbench sets",
    hint: "Leave the option out, or use the version that docs/plugins names",
  },
];
