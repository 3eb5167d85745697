/** What a plan shows of engines of model servers: their limits, and the commands that they would start. Pure. */
import { given } from "dynbench";
import type { Plane, PlannedProcess, WorkerLimits } from "dynbench/engine";
import { rosterOf } from "../worker-roles.ts";
import type { ServerKind } from "./server-kind.ts";
import {
  environmentOf,
  GUIDE_WORKERS,
  workersWanted,
  type ServerOptions,
} from "./server-options.ts";

export function serverLimits(
  options: ServerOptions,
): Partial<WorkerLimits> & { readonly workers: number; readonly prefillWorkers?: number } {
  const { blockSize, kvBlocks, maxModelLen, maxNumBatchedTokens, maxNumSeqs } = options;
  return {
    workers: workersWanted(options) ?? GUIDE_WORKERS,
    ...given({ prefillWorkers: options.prefillWorkers }),
    ...{ blockSize, maxModelLen, maxNumBatchedTokens },
    ...given({ kvBlocks, maxNumSeqs }),
  };
}

export function plannedServers(
  kind: ServerKind,
  options: ServerOptions,
  plane: Plane,
): PlannedProcess[] {
  const wanted = workersWanted(options);
  const common = { options, flags: new Set<string>(), folder: "RUN/engine", engineArgs: [] };
  const ports = { http: "PORT", kvEvents: "PORT", replay: "PORT", transfer: "PORT" };
  const place = { gpus: ["…"], cpus: undefined, host: "127.0.0.1" };
  const users = environmentOf(options.env, {});
  const files = Object.entries(kind.files?.(options, []) ?? {}).map(
    ([name, text]) => `; RUN/engine/${name} is ${text}`,
  );
  const note = `flags that the installed ${kind.title} does not have are left out; everything after -- is added${files.join("")}`;
  if (plane === "http") {
    const program = kind.programs[0]!.name;
    return [
      {
        name: "worker",
        command: kind.command({ ...common, program, ports }),
        env: { ...kind.env(place), ...users },
        ...given({ count: wanted }),
        note,
      },
    ];
  }
  const roles = Map.groupBy(rosterOf(options, wanted ?? 1), ({ role }) => role);
  return [...roles].map(([role, { length: count }]) => ({
    name: role === "aggregated" ? "worker" : `${role} worker`,
    command: kind.onDynamo.command({
      ...{ ...common, role, model: options.modelPath, ports, host: place.host },
      servedModelName: options.servedModelName ?? options.modelPath,
    }),
    env: { ...kind.onDynamo.env({ ...place, role, transferPort: "PORT" }), ...users },
    ...given({ count: wanted && count }),
    note,
  }));
}
