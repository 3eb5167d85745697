/**
 * Proxies of the environment. Our own requests never use them, because what is measured is here or
 * named by the user. Foreign programs obey them, also on the way to workers on this machine, so they
 * get a list of the addresses to leave alone. Pure.
 */

type Environment = Readonly<Record<string, string | undefined>>;

const PROXIES = ["http_proxy", "https_proxy", "all_proxy", "grpc_proxy"] as const;
/** What most libraries take for this machine; a port or a range of addresses only some know. */
const LOCAL = ["127.0.0.1", "localhost", "::1"] as const;
const EXCEPTIONS = ["no_proxy", "NO_PROXY"] as const;

/** Names of those that are set, as they are written there. */
export function proxyVariables(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => PROXIES.some((proxy) => proxy === name.toLowerCase()) && env[name] !== "")
    .toSorted();
}

/** What a program that is started gets in addition; nothing where there is no proxy. */
export function withoutProxies(env: Environment): Record<string, string> {
  if (proxyVariables(env).length === 0) return {};
  const users = EXCEPTIONS.flatMap((name) => (env[name] ?? "").split(","));
  const hosts = [...users, ...LOCAL].map((host) => host.trim()).filter((host) => host !== "");
  const list = [...new Set(hosts)].join(",");
  return Object.fromEntries(EXCEPTIONS.map((name) => [name, list]));
}
