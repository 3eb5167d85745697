/**
 * Whether a NATS server listens: it sends `INFO {…}` first (NATS client protocol). Where nothing comes, the
 * client library leaves its socket open, which keeps the whole program alive.
 */

const GREETING = "INFO ";
const DEFAULT_PORT = 4222;

/** Why the listener there is no NATS server; undefined when it is one, or when nothing listens. */
export async function greetingFault(url: string, limitMs: number): Promise<string | undefined> {
  const { protocol, hostname, port } = URL.parse(url) ?? {};
  if (protocol !== "nats:" || !hostname) return undefined; // the library reports which addresses it takes
  const greeting = Promise.withResolvers<string | undefined>();
  let text = "";
  const socket = await Bun.connect({
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: port ? Number(port) : DEFAULT_PORT,
    socket: {
      data: (_, bytes) => {
        text += new TextDecoder().decode(bytes);
        if (text.length >= GREETING.length) greeting.resolve(greetingIn(text));
      },
      close: () => greeting.resolve(greetingIn(text)),
      error: () => greeting.resolve(greetingIn(text)),
    },
  }).catch(() => undefined);
  if (socket === undefined) return undefined;
  const silent = `nothing of NATS came within ${limitMs / 1000} s`;
  const limit = setTimeout(() => greeting.resolve(silent), limitMs);
  const fault = await greeting.promise;
  clearTimeout(limit);
  socket.terminate();
  return fault;
}

/** Pure. */
function greetingIn(text: string): string | undefined {
  if (text.startsWith(GREETING)) return undefined;
  return text === ""
    ? "it closes the connection and sends nothing"
    : `it sends "${text.slice(0, 40).trim()}"`;
}
