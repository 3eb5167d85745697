/**
 * Ports for programs that cannot report which one the system gave them.
 *
 * A program may take half a minute before it binds the port it was given. So ports come from below
 * the range that the system hands out by itself to outgoing connections and to "port 0": nobody
 * gets them by accident in the meantime.
 */
import { readFileSync } from "node:fs";
import { DynbenchError } from "../base/errors.ts";

/** Every address of the machine, as KV-event publishers bind. */
const ANY_HOST = "0.0.0.0";
/** Below are well-known services. */
const LOWEST_PORT = 10_000;
/** Linux's own default, for systems that do not report theirs. */
const USUAL_EPHEMERAL_PORT = 32_768;
/** More than a run needs. */
const PORTS_APART = 101;
const EPHEMERAL_RANGE_FILE = "/proc/sys/net/ipv4/ip_local_port_range";

/** Where the next search begins: no port is handed out twice before its program has bound it. */
let next = process.pid * PORTS_APART;

/**
 * So many different ports, free a moment ago: all are held until the last is found. Processes begin
 * their search apart from each other, and each goes on where it stopped.
 */
export function freePorts(count: number, { lowest, end }: PortRange = portRange()): number[] {
  const held: ReturnType<typeof hold>[] = [];
  for (let tried = 0; held.length < count && tried < end - lowest; tried += 1) {
    const one = tryToHold(lowest + (next % (end - lowest)));
    next += 1;
    if (one !== undefined) held.push(one);
  }
  const ports = held.map(({ port }) => port);
  for (const one of held) one.stop(true);
  if (ports.length === count) return ports;
  const found = `${ports.length} of ${count} ports`;
  throw new DynbenchError("start", `Only ${found} are free from ${lowest} to ${end - 1}`, {
    hint: "See what listens there: ss -ltn",
  });
}

/** Throws for the first of the ports that another program has. */
export function mustBeFree(ports: readonly number[], hint: string): void {
  for (const port of ports) {
    try {
      hold(port).stop(true);
    } catch (cause) {
      throw new DynbenchError("start", `Port ${port} is taken by another program`, { hint, cause });
    }
  }
}

/** From `lowest` to before `end`. */
export interface PortRange {
  readonly lowest: number;
  readonly end: number;
}

/** The ports to choose from, below the range that the kernel hands out. */
export function portRange(read = readEphemeralRange): PortRange {
  const first = Number.parseInt(read(), 10);
  const isUsable = first > LOWEST_PORT;
  // A system that hands out nearly everything leaves no better choice than among those.
  return { lowest: LOWEST_PORT, end: isUsable ? first : USUAL_EPHEMERAL_PORT };
}

function readEphemeralRange(): string {
  try {
    return readFileSync(EPHEMERAL_RANGE_FILE, "utf8");
  } catch {
    return String(USUAL_EPHEMERAL_PORT);
  }
}

function tryToHold(port: number) {
  try {
    return hold(port);
  } catch {
    return undefined;
  }
}

function hold(port: number) {
  return Bun.listen({ hostname: ANY_HOST, port, socket: { data: () => {} } });
}
