/** Whether this machine has what the servers need, looked for before anything is started or written. */
import { DynbenchError } from "dynbench";
import { askPython, type Plane } from "dynbench/engine";
import { placeServers } from "./placement.ts";
import type { ServerKind } from "./server-kind.ts";
import { environmentOf, type ServerOptions } from "./server-options.ts";

/** Throws where the Python lacks the engine, or the machine a GPU. What only an answer of the engine shows is found at its start. */
export async function mustFindServers(
  kind: Pick<ServerKind, "title" | "distributions" | "isCpuBuild">,
  options: ServerOptions,
  plane: Plane,
): Promise<void> {
  const { python, launch } = options;
  if (launch !== undefined) return; // it runs elsewhere
  const wanted = plane === "dynamo" ? ["ai-dynamo"] : kind.distributions;
  const env = environmentOf(options.env, process.env);
  const facts = await askPython(python, [...wanted, ...kind.distributions], env);
  const isProgram = Bun.which(python) !== null;
  if (facts === undefined && isProgram) return; // its start waits longer for an answer
  const hasGpuTool = Bun.which("nvidia-smi") !== null;
  const packages = facts?.packages ?? {};
  if (!wanted.some((name) => name in packages)) {
    const names = wanted.map((name) => `"${name}"`).join(" or ");
    const lacks = isProgram
      ? `Python "${python}" has no package ${names}`
      : `there is no Python "${python}", which must have the package ${names}`;
    const alsoGpu = hasGpuTool ? "" : ", and no NVIDIA GPU was found";
    throw new DynbenchError("start", `Cannot start ${kind.title}: ${lacks}${alsoGpu}`, {
      hint: `Install it (${python} -m pip install ${wanted[0]}), or name another Python with --python; --engine mocker needs neither package nor GPU`,
    });
  }
  const isCpuBuild = kind.isCpuBuild?.(packages) ?? false;
  if (!hasGpuTool) placeServers(options, { gpus: [], isCpuBuild });
}
