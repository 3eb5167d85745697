/** Whether a server tells what it stores and evicts, for engines with `--kv-events-config`. Pure. */
import type { ServerCommand } from "./server-kind.ts";

export function publishesEvents({
  options,
  flags,
}: Pick<ServerCommand, "options" | "flags">): boolean {
  const knows = flags.size === 0 || flags.has("--kv-events-config");
  // With several ranks each has a cache of its own, and the server chooses among them.
  return knows && options.dataParallelSize === 1;
}
