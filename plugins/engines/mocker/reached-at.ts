/** How a URL names the address that a worker binds; all addresses are reached on this machine. */
export function reachedAt(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
