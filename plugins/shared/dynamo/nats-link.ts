/**
 * Listens on Dynamo's event plane over NATS: an independent proof that workers publish KV events, which
 * does not rely on the router's own figures. `nats` is loaded only where a NATS is used.
 */
import { DynbenchError, given, messageOf } from "dynbench";
import { greetingFault } from "./nats-greeting.ts";

const CONNECT_LIMIT_MS = 5000;

export interface NatsLink extends AsyncDisposable {
  /** Messages of workers with KV events, since the link was opened. */
  kvEventMessages(): number;
}

/**
 * Throws a `DynbenchError` when the NATS at `url` cannot be used. Subjects are those of Dynamo 1.6.1:
 * `namespace.NS.component.C.endpoint.E.kv-events`. What Dynamo before 1.4 keeps of them in JetStream is
 * deleted at the end with `purge`.
 */
export async function openNats(
  url: string,
  { namespace, purge }: { namespace: string; purge: boolean },
): Promise<NatsLink> {
  const stranger = await greetingFault(url, CONNECT_LIMIT_MS);
  if (stranger !== undefined)
    throw natsFault(url, new Error(`what listens there is no NATS: ${stranger}`));
  const { connect } = await import("nats");
  let connection: Awaited<ReturnType<typeof connect>>;
  try {
    connection = await connect({
      servers: url,
      timeout: CONNECT_LIMIT_MS,
      maxReconnectAttempts: 3,
      ...login(process.env),
    });
  } catch (cause) {
    throw natsFault(url, cause);
  }
  let messages = 0;
  const subscription = connection.subscribe(`namespace.${namespace}.>`, {
    callback: (error, message) => {
      if (error === null && isKvEvents(message.subject)) messages += 1;
    },
  });
  await connection.flush();
  return {
    kvEventMessages: () => messages,
    [Symbol.asyncDispose]: async () => {
      subscription.unsubscribe();
      if (purge) await deleteStreams(connection, namespace);
      await connection.close();
    },
  };
}

/** 1.6.1 writes `kv-events`, 0.6 to 1.3 `kv_events`. */
export function isKvEvents(subject: string): boolean {
  return /\.kv[-_]events$/.test(subject);
}

/** Login of a NATS with passwords, under the names that Dynamo reads too. */
function login(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const { NATS_AUTH_USERNAME: user, NATS_AUTH_PASSWORD: pass, NATS_AUTH_TOKEN: token } = env;
  return {
    ...given({ user, pass, token }),
  };
}

/** Streams of one namespace; a server without JetStream has none. */
async function deleteStreams(
  connection: Awaited<ReturnType<typeof import("nats").connect>>,
  namespace: string,
): Promise<void> {
  try {
    const manager = await connection.jetstreamManager();
    for await (const { config } of manager.streams.list()) {
      const names = [config.name, ...(config.subjects ?? [])];
      if (names.some((name) => name.includes(namespace))) await manager.streams.delete(config.name);
    }
  } catch {
    // No JetStream, so nothing is kept.
  }
}

function natsFault(url: string, cause: unknown): DynbenchError {
  const code = String((cause as { code?: unknown }).code ?? "");
  const isLogin = code === "AUTHORIZATION_VIOLATION" || code === "AUTHENTICATION_EXPIRED";
  const why = isLogin
    ? "it wants a login, or another one"
    : code === "CONNECTION_REFUSED"
      ? "connection refused"
      : messageOf(cause);
  return new DynbenchError("start", `Cannot use NATS at ${url}: ${why}`, {
    hint: isLogin
      ? "Set NATS_AUTH_USERNAME and NATS_AUTH_PASSWORD, or NATS_AUTH_TOKEN; Dynamo reads the same variables"
      : "Check --nats-url, or leave it out: dynbench then starts a nats-server of its own",
    cause,
  });
}
