/** Ports for programs that cannot say which one the system gave them. */
import { DynbenchError } from "../errors.ts";

/** Every address of the machine, as KV-event publishers bind. */
const ANY_HOST = "0.0.0.0";

/** So many different ports that were free a moment ago: all are held until the last is found. */
export function freePorts(count: number): number[] {
  const held = Array.from({ length: count }, () => hold(0));
  const ports = held.map(({ port }) => port);
  for (const one of held) one.stop(true);
  return ports;
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

function hold(port: number) {
  return Bun.listen({ hostname: ANY_HOST, port, socket: { data: () => {} } });
}
