/** Whether a port speaks TLS at all: a plain HTTP server may read a handshake as half a request, and wait. */
import type { HttpTarget } from "./target.ts";

/** A handshake takes a few round trips. */
const HANDSHAKE_LIMIT_MS = 1000;

export const NO_TLS = "that port does not answer TLS";
export const NO_TLS_HINT = "Use http:// if the server speaks plain HTTP";

/** True where a connection opens and no handshake follows; false also where none opens. */
export function lacksTls(
  { host, port }: Pick<HttpTarget, "host" | "port">,
  limitMs = HANDSHAKE_LIMIT_MS,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let isOpen = false;
  const limit = setTimeout(() => resolve(isOpen), limitMs);
  const connecting = Bun.connect({
    hostname: host,
    port,
    tls: { rejectUnauthorized: false }, // any certificate proves that the port speaks TLS
    socket: {
      open: () => void (isOpen = true),
      handshake: (_, success) => resolve(!success),
      data() {},
      close: () => resolve(isOpen),
      error: () => resolve(isOpen),
      connectError: () => resolve(false),
    },
  });
  connecting.catch(() => resolve(false));
  return promise.finally(() => {
    clearTimeout(limit);
    connecting.then((socket) => socket.terminate()).catch(() => {});
  });
}
