/** nginx as a plain load balancer: it does not look at prompts, and shows the least cost of a proxy. */
import { defineRouter, v } from "dynbench";
import {
  balanceOption,
  balanceTraits,
  KEY_HEADER,
  startLoadBalancer,
} from "../shared/external/load-balancer.ts";
import { commandOption, foundCommand } from "../shared/external/program.ts";

const BALANCE = ["round_robin", "least_conn", "random_two", "hash"] as const;

const NEED = { command: "nginx", versionFlag: "-v", install: "apt install nginx" };
const CONFIG_FILE = "nginx.conf";

const options = v.strictObject({
  balance: balanceOption(BALANCE),
  nginxCommand: commandOption(NEED.command),
});

export const nginx = defineRouter({
  name: "nginx",
  summary: "nginx as a plain load balancer, on HTTP workers",
  options,
  plane: "http",
  needs: [NEED],
  control: { balance: "round_robin" },
  traits: balanceTraits,
  find: ({ nginxCommand }, { python }) => void foundCommand(NEED, nginxCommand, python),
  processes: ({ nginxCommand }) => [
    { name: NEED.command, command: [nginxCommand, "-p", "RUN/nginx", "-c", CONFIG_FILE] },
  ],
  start: ({ balance, nginxCommand }, engine, context) =>
    startLoadBalancer(
      {
        need: NEED,
        command: nginxCommand,
        version: { flag: "-v", pattern: /nginx\/(\S+)/ },
        file: CONFIG_FILE,
        config: (at) => nginxConfig({ balance, ...at }),
        argv: (folder) => ["-p", folder, "-c", CONFIG_FILE, "-e", "stderr"],
      },
      engine,
      context,
    ),
});

/** Pure. Without the zone each of nginx's processes would balance alone. */
export function nginxConfig(of: {
  readonly balance: (typeof BALANCE)[number];
  readonly listen: string;
  readonly workers: readonly { readonly address: string }[];
}): string {
  const method = {
    round_robin: [],
    least_conn: ["    least_conn;"],
    random_two: ["    random two least_conn;"],
    hash: [`    hash $http_${KEY_HEADER.replaceAll("-", "_")} consistent;`],
  }[of.balance];
  return `${[
    "daemon off;",
    "pid nginx.pid;",
    "error_log stderr warn;",
    "events { worker_connections 8192; }",
    "http {",
    "  access_log off;",
    ...["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (what) => `  ${what}_temp_path ${what}_temp;`,
    ),
    "  upstream workers {",
    "    zone workers 256k;",
    ...method,
    ...of.workers.map(({ address }) => `    server ${address} max_fails=0;`),
    "    keepalive 256;",
    "  }",
    "  server {",
    `    listen ${of.listen};`,
    "    client_max_body_size 0;",
    "    client_body_buffer_size 16m;",
    "    keepalive_requests 1000000;",
    "    location / {",
    "      proxy_pass http://workers;",
    "      proxy_http_version 1.1;",
    '      proxy_set_header Connection "";',
    "      proxy_buffering off;",
    "      proxy_read_timeout 3600s;",
    "      proxy_next_upstream off;",
    "    }",
    "  }",
    "}",
  ].join("\n")}\n`;
}
