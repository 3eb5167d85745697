/**
 * What HAProxy and nginx share as plain load balancers: they know nothing of prompts, run from a
 * configuration file that is written for them, and can hash a header.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { v, type RouterTraits } from "dynbench";
import {
  servedModels,
  type EngineHandle,
  type RouterHandle,
  type StartContext,
} from "dynbench/engine";
import type { VersionSource } from "./find-program.ts";
import { listenAddress, programPorts, startProgram, type ProgramNeed } from "./program.ts";

/** The header that `hash` hashes. */
export const KEY_HEADER = "x-session-id";

/** How it balances; the first of `names` is the default. */
export function balanceOption<const Names extends readonly [string, ...string[]]>(names: Names) {
  return v.pipe(
    v.optional(v.picklist(names), names[0]),
    v.description(
      "How it routes; hash: by the session or prefix group that the client sends in a header",
    ),
  );
}

export function balanceTraits({ balance }: { readonly balance: string }): RouterTraits {
  const isHash = balance === "hash";
  return {
    accepts: ["ids", "text", "chat"],
    affinity: isHash,
    spreads: !isHash,
    kvEvents: false,
    ...(isHash ? { keyHeader: KEY_HEADER } : {}),
  };
}

export interface LoadBalancer {
  readonly need: ProgramNeed;
  readonly command: string;
  readonly version: VersionSource;
  /** Name of its configuration file. */
  readonly file: string;
  config(at: {
    /** `host:port`. */
    readonly listen: string;
    readonly workers: readonly { readonly id: string; readonly address: string }[];
  }): string;
  /** `folder` has the configuration file. */
  argv(folder: string): string[];
}

export async function startLoadBalancer(
  { need, command, version, ...balancer }: LoadBalancer,
  engine: EngineHandle,
  context: StartContext,
): Promise<RouterHandle> {
  const ports = programPorts(need.command, context);
  const folder = join(context.runDir, need.command);
  mkdirSync(folder, { recursive: true });
  const config = balancer.config({
    listen: listenAddress(context.host, ports.http),
    workers: engine.workers.map(({ id, url }) => ({ id, address: new URL(url).host })),
  });
  await Bun.write(join(folder, balancer.file), config);
  const { signal } = context;
  const isUp = (url: string): Promise<unknown> => servedModels(url, { signal });
  const argv = balancer.argv(folder);
  return startProgram({ need, command, version, argv, ports, isUp, facts: { config } }, context);
}
