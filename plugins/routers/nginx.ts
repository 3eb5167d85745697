/** nginx as a plain load balancer: it knows nothing of prompts, and is the least that a router may cost. */
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

const BALANCE = ["round_robin", "least_conn", "random_two", "hash"] as const;
const KEY_HEADER = "x-session-id";

const NEED = { command: "nginx", versionFlag: "-v", install: "apt install nginx" };

const options = v.strictObject({
  balance: v.pipe(
    v.optional(v.picklist(BALANCE), "round_robin"),
    v.description(
      "How it routes; hash: by the session or prefix group that the client sends in a header",
    ),
  ),
  nginxCommand: commandOption(NEED.command),
});

export const nginx = defineRouter({
  name: "nginx",
  summary: "nginx as a plain load balancer, on HTTP workers",
  options,
  plane: "http",
  needs: [NEED],
  control: { balance: "round_robin" },
  traits: ({ balance }) => ({
    accepts: ["ids", "text", "chat"],
    affinity: balance === "hash",
    spreads: balance !== "hash",
    kvEvents: false,
    ...(balance === "hash" ? { keyHeader: KEY_HEADER } : {}),
  }),
  find: ({ nginxCommand: command }, { python }) =>
    void foundCommand({ name: "nginx", command, install: NEED.install }, python),
  processes: ({ nginxCommand }) => [
    { name: "nginx", command: [nginxCommand, "-p", "RUN/nginx", "-c", "nginx.conf"] },
  ],
  start: async ({ balance, nginxCommand }, engine, context) => {
    const ports = programPorts("nginx", context);
    const folder = join(context.runDir, "nginx");
    mkdirSync(folder, { recursive: true });
    const config = nginxConfig({
      balance,
      listen: listenAddress(context.host, ports.http),
      workers: engine.workers.map(({ url }) => new URL(url).host),
    });
    await Bun.write(join(folder, "nginx.conf"), config);
    const { signal } = context;
    return startProgram(
      {
        name: "nginx",
        command: nginxCommand,
        install: NEED.install,
        version: { flag: "-v", pattern: /nginx\/(\S+)/ },
        argv: ["-p", folder, "-c", "nginx.conf", "-e", "stderr"],
        ports,
        isUp: (url) => servedModels(url, { signal }),
        facts: { config },
      },
      context,
    );
  },
});

/** Pure. Without the zone each of nginx's processes would balance alone. */
export function nginxConfig(of: {
  readonly balance: (typeof BALANCE)[number];
  readonly listen: string;
  /** `host:port` of each. */
  readonly workers: readonly string[];
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
    ...of.workers.map((worker) => `    server ${worker} max_fails=0;`),
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
