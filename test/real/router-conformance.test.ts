/** The bundled routers that are programs pass the router suite. Needs DYNBENCH_REAL=1. */
import { describe, test } from "bun:test";
import { haproxy } from "../../plugins/routers/haproxy.ts";
import { nginx } from "../../plugins/routers/nginx.ts";
import { sglangRouter } from "../../plugins/routers/sglang-router.ts";
import { smg } from "../../plugins/routers/smg.ts";
import { vllmRouter } from "../../plugins/routers/vllm-router.ts";
import { realContext } from "../conformance/real-processes.ts";
import { testRouter } from "../conformance/router.ts";
import { installed, isRealRun } from "./programs.ts";

const PROGRAMS = [
  { router: nginx, path: Bun.which("nginx") ?? undefined },
  { router: haproxy, path: Bun.which("haproxy") ?? undefined },
  { router: smg, path: installed("smg/bin/smg") },
  { router: sglangRouter, path: installed("sglang-router/bin/sglang-router") },
  { router: vllmRouter, path: installed("vllm-router/bin/vllm-router") },
];

for (const { router, path } of PROGRAMS) {
  if (isRealRun() && path !== undefined) {
    const command = Object.keys(router.options.entries).find((name) => name.endsWith("Command"))!;
    testRouter({ router, options: () => ({ [command]: path }), context: realContext });
  } else {
    describe(`router ${router.name}`, () => {
      test.skip("is not installed, or DYNBENCH_REAL=1 is not set", () => {});
    });
  }
}
