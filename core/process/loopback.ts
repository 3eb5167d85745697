/**
 * Whether programs of this machine reach each other at an address. An interface that is down, as in a
 * new network namespace, takes listeners and no connections: all would start and wait for each other.
 */
import { DynbenchError } from "../base/errors.ts";
import { whyNot } from "../base/why-not.ts";

/** A connection within the machine takes microseconds. */
const CONNECT_LIMIT_MS = 1000;

/** Why no listener there can be reached; undefined where one can. */
export async function unreachable(hostname: string): Promise<string | undefined> {
  const socket = { data: () => {} };
  try {
    using listener = Bun.listen({ hostname, port: 0, socket });
    const connected = Bun.connect({ hostname, port: listener.port, socket }).then(
      (connection) => {
        connection.end();
        return true;
      },
      () => false,
    );
    const isReached = await Promise.race([connected, Bun.sleep(CONNECT_LIMIT_MS)]);
    return isReached === true ? undefined : "it takes no connections";
  } catch (cause) {
    return whyNot(cause);
  }
}

/** Throws before anything is started that could not be reached at `host`. */
export async function mustReachItself(host: string): Promise<void> {
  const why = await unreachable(host);
  if (why === undefined) return;
  throw new DynbenchError("start", `Cannot use ${host} for programs of this machine: ${why}`, {
    hint: "Choose an address of this machine with --host, and bring its interface up: ip link set lo up",
  });
}
