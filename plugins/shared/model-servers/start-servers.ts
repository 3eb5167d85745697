/** Starts an engine's servers on either plane. */
import type { EngineHandle, Plane, StartContext } from "dynbench/engine";
import { startDynamoWorkers } from "./dynamo-workers.ts";
import { startHttpServers } from "./http-servers.ts";
import type { ServerKind } from "./server-kind.ts";
import type { ServerOptions } from "./server-options.ts";

/** An engine's `start`. */
export function startServers(kind: ServerKind) {
  return (options: ServerOptions, plane: Plane, context: StartContext): Promise<EngineHandle> =>
    plane === "dynamo"
      ? startDynamoWorkers(kind, options, context)
      : startHttpServers(kind, options, context);
}
