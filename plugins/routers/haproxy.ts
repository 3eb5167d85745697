/** HAProxy as a plain load balancer, with its hash of a header and the bounded load of that. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { defineRouter, servedModels, v } from "dynbench";
import {
  commandOption,
  foundCommand,
  listenAddress,
  programPorts,
  startProgram,
} from "../shared/external/program.ts";

const BALANCE = ["roundrobin", "leastconn", "random", "hash"] as const;
const KEY_HEADER = "x-session-id";

const NEED = { command: "haproxy", versionFlag: "-v", install: "apt install haproxy" };

const options = v.strictObject({
  balance: v.pipe(
    v.optional(v.picklist(BALANCE), "roundrobin"),
    v.description(
      "How it routes; hash: by the session or prefix group that the client sends in a header",
    ),
  ),
  hashBalanceFactor: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(101), v.maxValue(65_535))),
    v.description("hash: most load of a worker in percent of the mean; left out: no bound"),
  ),
  haproxyCommand: commandOption(NEED.command),
});

export const haproxy = defineRouter({
  name: "haproxy",
  summary: "HAProxy as a plain load balancer, on HTTP workers",
  options,
  plane: "http",
  needs: [NEED],
  control: { balance: "roundrobin" },
  traits: ({ balance }) => ({
    accepts: ["ids", "text", "chat"],
    affinity: balance === "hash",
    spreads: balance !== "hash",
    kvEvents: false,
    ...(balance === "hash" ? { keyHeader: KEY_HEADER } : {}),
  }),
  find: ({ haproxyCommand: command }, { python }) =>
    void foundCommand({ name: "haproxy", command, install: NEED.install }, python),
  processes: ({ haproxyCommand }) => [
    { name: "haproxy", command: [haproxyCommand, "-db", "-f", "RUN/haproxy/haproxy.cfg"] },
  ],
  start: async ({ balance, hashBalanceFactor, haproxyCommand }, engine, context) => {
    const ports = programPorts("haproxy", context);
    const folder = join(context.runDir, "haproxy");
    mkdirSync(folder, { recursive: true });
    const path = join(folder, "haproxy.cfg");
    const config = haproxyConfig({
      balance,
      hashBalanceFactor,
      listen: listenAddress(context.host, ports.http),
      workers: engine.workers.map(({ id, url }) => ({ id, address: new URL(url).host })),
    });
    await Bun.write(path, config);
    const { signal } = context;
    return startProgram(
      {
        name: "haproxy",
        command: haproxyCommand,
        install: NEED.install,
        version: { flag: "-v", pattern: /version (\S+)/ },
        argv: ["-db", "-f", path],
        ports,
        isUp: (url) => servedModels(url, { signal }),
        facts: { config },
      },
      context,
    );
  },
});

/** Pure. More connections than these fail where 20,000 files may be open. */
export function haproxyConfig(of: {
  readonly balance: (typeof BALANCE)[number];
  readonly hashBalanceFactor?: number | undefined;
  readonly listen: string;
  readonly workers: readonly { readonly id: string; readonly address: string }[];
}): string {
  const bound =
    of.hashBalanceFactor === undefined ? [] : [`  hash-balance-factor ${of.hashBalanceFactor}`];
  const method = {
    roundrobin: ["  balance roundrobin"],
    leastconn: ["  balance leastconn"],
    random: ["  balance random(2)"],
    hash: [`  balance hdr(${KEY_HEADER})`, "  hash-type consistent", ...bound],
  }[of.balance];
  return `${[
    "global",
    "  maxconn 4000",
    "  tune.bufsize 131072",
    "defaults",
    "  mode http",
    "  timeout connect 10s",
    "  timeout client 3600s",
    "  timeout server 3600s",
    "  retries 0",
    "frontend load",
    `  bind ${of.listen}`,
    "  default_backend workers",
    "backend workers",
    ...method,
    // Without it parts of a stream wait until they fill a packet.
    "  option http-no-delay",
    "  http-reuse always",
    ...of.workers.map(({ id, address }) => `  server ${id} ${address}`),
  ].join("\n")}\n`;
}
