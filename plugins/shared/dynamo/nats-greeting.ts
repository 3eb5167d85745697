/**
 * Whether a NATS listens: a server speaks first, `INFO {…}` (NATS client protocol). The client library
 * leaves its socket open when nothing is said, and with it the whole program.
 */

const GREETING = "INFO ";
const DEFAULT_PORT = 4222;

/** What is wrong with what listens there; nothing when it greets, or when nobody listens at all. */
export async function greetingFault(url: string, limitMs: number): Promise<string | undefined> {
  const { protocol, hostname, port } = URL.parse(url) ?? {};
  if (protocol !== "nats:" || !hostname) return undefined; // the library says what it takes
  const heard = Promise.withResolvers<string | undefined>();
  let text = "";
  const socket = await Bun.connect({
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: port ? Number(port) : DEFAULT_PORT,
    socket: {
      data: (_, bytes) => {
        text += new TextDecoder().decode(bytes);
        if (text.length >= GREETING.length) heard.resolve(greetingIn(text));
      },
      close: () => heard.resolve(greetingIn(text)),
      error: () => heard.resolve(greetingIn(text)),
    },
  }).catch(() => undefined);
  if (socket === undefined) return undefined;
  const silent = `nothing of NATS came within ${limitMs / 1000} s`;
  const limit = setTimeout(() => heard.resolve(silent), limitMs);
  const fault = await heard.promise;
  clearTimeout(limit);
  socket.terminate();
  return fault;
}

/** Pure. */
function greetingIn(text: string): string | undefined {
  if (text.startsWith(GREETING)) return undefined;
  return text === "" ? "it hangs up without a word" : `it says "${text.slice(0, 40).trim()}"`;
}
