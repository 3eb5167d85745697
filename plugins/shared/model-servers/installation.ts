/** The engine of a Python: its version, how its server is started there, and the flags it knows. */
import { probePython, type StartContext } from "dynbench/engine";
import type { ServerKind } from "./server-kind.ts";
import type { ServerOptions } from "./server-options.ts";

export interface Installation {
  readonly version: string;
  readonly program: string;
  readonly flags: ReadonlySet<string>;
  readonly isCpuBuild: boolean;
}

/** Throws when that Python has no such engine that runs. */
export async function findEngine(
  kind: ServerKind,
  options: ServerOptions,
  env: Readonly<Record<string, string>>,
  context: Pick<StartContext, "processes" | "signal" | "log">,
): Promise<Installation> {
  const { distributions, programs } = kind;
  const { python, launch } = options;
  const question = { python, env, launch, distributions, programs };
  const { versions, program, flags } = await probePython(question, context);
  const version = distributions.map((name) => versions[name]).find((each) => each !== undefined)!;
  return { version, program, flags, isCpuBuild: kind.isCpuBuild?.(versions) ?? false };
}
