/** What the engines of model servers have in common as plugins. */
import type { Engine, EngineHandle, Plane, StartContext } from "dynbench/engine";
import { startDynamoWorkers } from "./dynamo-workers.ts";
import { mustFindServers } from "./find-servers.ts";
import { startHttpServers } from "./http-servers.ts";
import { plannedServers, serverLimits } from "./planned.ts";
import type { ServerKind } from "./server-kind.ts";
import { checkServers, serverOptions, type ServerOptions } from "./server-options.ts";

type ServerEngine = Omit<Engine<typeof serverOptions>, "kind" | "name" | "summary">;

/** All of an engine but its name and what is special to it. */
export function serverEngine(kind: ServerKind): ServerEngine {
  const { distributions } = kind;
  return {
    options: serverOptions,
    planes: ["http", "dynamo"],
    splitsOn: ["dynamo"],
    needs: [{ packages: distributions, install: `pip install ${distributions[0]}` }],
    takesArguments: true,
    check: checkServers,
    find: (options, plane) => mustFindServers(kind, options, plane),
    limits: serverLimits,
    processes: (options, plane) => plannedServers(kind, options, plane),
    start: (options: ServerOptions, plane: Plane, context: StartContext): Promise<EngineHandle> =>
      plane === "dynamo"
        ? startDynamoWorkers(kind, options, context)
        : startHttpServers(kind, options, context),
  };
}
