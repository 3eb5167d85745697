/** The configuration of HAProxy. */
import { expect, test } from "bun:test";
import { haproxyConfig } from "../../../plugins/routers/haproxy.ts";

const of = (balance: "roundrobin" | "leastconn" | "random" | "hash", hashBalanceFactor?: number) =>
  haproxyConfig({
    ...{ balance, hashBalanceFactor, listen: "127.0.0.1:8100" },
    workers: [{ id: "worker-0", address: "127.0.0.1:9001" }],
  });

test("the whole configuration, for a bounded hash", () => {
  const config = of("hash", 125);
  expect(config.slice(config.indexOf("frontend load"))).toBe(
    [
      "frontend load",
      "  bind 127.0.0.1:8100",
      "  default_backend workers",
      "backend workers",
      "  balance hdr(x-session-id)",
      "  hash-type consistent",
      "  hash-balance-factor 125",
      "  option http-no-delay",
      "  http-reuse always",
      "  server worker-0 127.0.0.1:9001",
      "",
    ].join("\n"),
  );
});

test("other ways to balance, and a hash without a bound", () => {
  expect(of("leastconn")).toContain("  balance leastconn\n");
  expect(of("random")).toContain("  balance random(2)\n");
  expect(of("roundrobin")).toContain("  balance roundrobin\n");
  expect(of("hash")).not.toContain("hash-balance-factor");
});
