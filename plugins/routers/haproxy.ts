/** HAProxy as a plain load balancer, with its hash of a header and the bounded load of that. */
import { join } from "node:path";
import { defineRouter, v } from "dynbench";
import {
  balanceOption,
  balanceTraits,
  KEY_HEADER,
  startLoadBalancer,
} from "../shared/external/load-balancer.ts";
import { commandOption, foundCommand } from "../shared/external/program.ts";

const BALANCE = ["roundrobin", "leastconn", "random", "hash"] as const;

const NEED = { command: "haproxy", versionFlag: "-v", install: "apt install haproxy" };
const CONFIG_FILE = "haproxy.cfg";

const options = v.strictObject({
  balance: balanceOption(BALANCE),
  hashBalanceFactor: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(101), v.maxValue(65_535))),
    v.description("hash: most load of a worker, in percent of the mean; default: no bound"),
    v.metadata({ tune: { from: 101, to: 400, scale: "linear" } }),
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
  traits: balanceTraits,
  find: ({ haproxyCommand }, { python }) => void foundCommand(NEED, haproxyCommand, python),
  processes: ({ haproxyCommand }) => [
    { name: NEED.command, command: [haproxyCommand, "-db", "-f", `RUN/haproxy/${CONFIG_FILE}`] },
  ],
  start: ({ balance, hashBalanceFactor, haproxyCommand }, engine, context) =>
    startLoadBalancer(
      {
        need: NEED,
        command: haproxyCommand,
        version: { flag: "-v", pattern: /version (\S+)/ },
        file: CONFIG_FILE,
        config: (at) => haproxyConfig({ balance, hashBalanceFactor, ...at }),
        argv: (folder) => ["-db", "-f", join(folder, CONFIG_FILE)],
      },
      engine,
      context,
    ),
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
