/** The configuration of nginx. */
import { expect, test } from "bun:test";
import { nginxConfig } from "../../../plugins/routers/nginx.ts";

const WORKERS = [{ address: "127.0.0.1:9001" }, { address: "127.0.0.1:9002" }];
const of = (balance: "round_robin" | "least_conn" | "random_two" | "hash") =>
  nginxConfig({ balance, listen: "127.0.0.1:8100", workers: WORKERS });

test("each way to balance is one line of the workers' block", () => {
  const plain = of("round_robin").split("\n");
  const start = plain.indexOf("  upstream workers {");
  expect(plain.slice(start, start + 6)).toEqual([
    "  upstream workers {",
    "    zone workers 256k;",
    "    server 127.0.0.1:9001 max_fails=0;",
    "    server 127.0.0.1:9002 max_fails=0;",
    "    keepalive 256;",
    "  }",
  ]);
  const added = (balance: "least_conn" | "random_two" | "hash") =>
    of(balance)
      .split("\n")
      .filter((line) => !plain.includes(line));
  expect(added("least_conn")).toEqual(["    least_conn;"]);
  expect(added("random_two")).toEqual(["    random two least_conn;"]);
  expect(added("hash")).toEqual(["    hash $http_x_session_id consistent;"]);
});

test("answers are passed on as they arrive, and a failed request is not sent elsewhere", () => {
  const config = of("round_robin");
  for (const line of [
    "listen 127.0.0.1:8100;",
    "proxy_buffering off;",
    "proxy_next_upstream off;",
    'proxy_set_header Connection "";',
  ]) {
    expect(config).toContain(line);
  }
});
