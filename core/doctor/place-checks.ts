/** Whether a run can work here: folders, disk, ports, loopback, and variables of the environment. */
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import type { Check } from "./check.ts";
import { gib } from "./machine-checks.ts";
import { programOutput } from "../process/program-output.ts";
import { messageOf } from "../base/errors.ts";
import { whyNot } from "../base/why-not.ts";
import { pluginFolder } from "../plugin-folder/plugin-folder.ts";
import { freePorts, portRange } from "../process/free-ports.ts";
import { unreachable } from "../process/loopback.ts";
import { proxyVariables } from "../process/proxies.ts";

const GROUP = { group: "place" } as const;
const GIB = 2 ** 30;
/** A run of 200 requests leaves some hundred KB; one of a million, a GB. */
const LITTLE_BYTES = GIB;
const TOO_LITTLE_BYTES = 10 * 2 ** 20;
/** Of 32 workers with KV events and replay. */
const PORTS = 96;

export async function placeChecks(runs: string): Promise<Check[]> {
  return [
    folderCheck("run folder", runs),
    folderCheck("temporary files", tmpdir()),
    homeCheck(process.env.HOME),
    ...(await userCheck()),
    ...loopbackChecks(await unreachable("127.0.0.1"), await unreachable("::1")),
    portsCheck(),
    proxyCheck(proxyVariables(process.env)),
  ];
}

/** The folder itself, or what would be made into it. */
function folderCheck(name: string, folder: string): Check {
  const of = { ...GROUP, name };
  const path = resolve(folder);
  const next = name === "run folder" ? "Choose another with --out DIR" : "Set TMPDIR to another";
  try {
    const there = nearest(path);
    accessSync(there, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(there);
    return spaceCheck(of, { path, freeBytes: bavail * bsize, next });
  } catch (cause) {
    return { ...of, state: "fault", found: `${path}: ${whyNot(cause)}`, next };
  }
}

/** Pure. */
export function spaceCheck(
  of: Pick<Check, "group" | "name">,
  { path, freeBytes, next }: { path: string; freeBytes: number; next: string },
): Check {
  const found = `${path}, ${gib(freeBytes)} free`;
  if (freeBytes >= LITTLE_BYTES) return { ...of, state: "ok", found };
  const state = freeBytes < TOO_LITTLE_BYTES ? "fault" : "warning";
  return { ...of, state, found, next: `Free some space. ${next}` };
}

/** What does not exist yet is made in the nearest folder above. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}

function homeCheck(home: string | undefined): Check {
  const of = { ...GROUP, name: "home" };
  const plugins = pluginFolder(undefined);
  const elsewhere =
    "Runs need none. Add plugins with --plugin-folder DIR; engines cache below HOME: --env HF_HOME=DIR --env VLLM_CACHE_ROOT=DIR";
  if (plugins === undefined) {
    return {
      ...of,
      state: "note",
      found: "neither HOME nor XDG_DATA_HOME is set",
      next: elsewhere,
    };
  }
  try {
    accessSync(nearest(plugins), constants.W_OK | constants.X_OK);
    return { ...of, state: "ok", found: `${home ?? "none"}, plugins go to ${plugins}` };
  } catch (cause) {
    return { ...of, state: "note", found: `${plugins}: ${whyNot(cause)}`, next: elsewhere };
  }
}

/** A container may run as any number. Python's getpass fails then, and PyTorch with it. */
async function userCheck(): Promise<Check[]> {
  const uid = process.getuid?.();
  if (uid === undefined || Bun.which("id") === null) return [];
  const { code } = await programOutput(["id", "-un"], 5000);
  if (code === 0 || process.env.USER || process.env.LOGNAME) return [];
  const next = "Engines in Python look it up: --env USER=dynbench --env LOGNAME=dynbench";
  return [{ ...GROUP, name: "user", state: "warning", found: `id ${uid} has no name`, next }];
}

/** Pure. Why programs of this machine do not reach each other over either; undefined where they do. */
export function loopbackChecks(ipv4: string | undefined, ipv6: string | undefined): Check[] {
  const [four, six] = [
    { ...GROUP, name: "IPv4 loopback" },
    { ...GROUP, name: "IPv6 loopback" },
  ];
  const up = "Bring it up: ip link set lo up";
  return [
    ipv4 === undefined
      ? { ...four, state: "ok", found: "127.0.0.1" }
      : ipv6 === undefined
        ? { ...four, state: "warning", found: ipv4, next: `${up}, or use --host ::1` }
        : { ...four, state: "fault", found: ipv4, next: up },
    ipv6 === undefined
      ? { ...six, state: "ok", found: "::1, with --host ::1" }
      : { ...six, state: "note", found: ipv6, next: "Nothing, unless you want --host ::1" },
  ];
}

function portsCheck(): Check {
  const of = { ...GROUP, name: "ports" };
  const { lowest, end } = portRange();
  try {
    freePorts(PORTS);
    return { ...of, state: "ok", found: `${lowest} to ${end - 1}, ${PORTS} tried` };
  } catch (error) {
    return { ...of, state: "fault", found: messageOf(error), next: "See who listens: ss -ltnp" };
  }
}

/** Pure. */
export function proxyCheck(names: readonly string[]): Check {
  const of = { ...GROUP, name: "proxies" };
  if (names.length === 0) return { ...of, state: "ok", found: "none in the environment" };
  const found = `${names.join(", ")}: ignored for engines and routers`;
  const next = "Nothing: downloads use it, and what is started here is set not to for this machine";
  return { ...of, state: "note", found, next };
}
