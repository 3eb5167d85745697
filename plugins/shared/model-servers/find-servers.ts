/** Whether this machine has what the servers need, looked for before anything is started or written. */
import { mustHavePackage, type Plane } from "dynbench/engine";
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
  const hasGpuTool = Bun.which("nvidia-smi") !== null;
  const packages = await mustHavePackage(kind.title, {
    ...{ python, wanted, known: kind.distributions, env },
    also: hasGpuTool ? "" : ", and no NVIDIA GPU was found",
    instead: "--engine mocker needs neither package nor GPU",
  });
  if (packages === undefined) return;
  const isCpuBuild = kind.isCpuBuild?.(packages) ?? false;
  if (!hasGpuTool) placeServers(options, { gpus: [], isCpuBuild });
}
