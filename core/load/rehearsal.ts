/**
 * Runs the whole path of a request a few times before time counts: code that runs for the first time
 * takes milliseconds to be compiled, and those would be the first requests' lateness.
 */
import { Generator } from "./generator.ts";
import { startNullServer } from "./null-server/null-server.ts";
import { parseTarget } from "../wire/http/client.ts";
import type { RequestBody } from "../prompt/body.ts";
import { randomStream } from "../base/random.ts";
import { recordLine } from "../contract/record.ts";
import type { RequestSpec } from "../contract/request.ts";

/** Enough for the compiler to have seen every part; takes about 20 ms. */
const REQUESTS = 24;
const CONCURRENCY = 8;
const TOKENS = 64;
/** Reserved for preflight and rehearsal, so that no workload shares it. */
const CONTENT = -1;

/** Sends small requests to a server in this very process. */
export async function rehearse(build: (spec: RequestSpec) => RequestBody): Promise<void> {
  await using server = startNullServer({ port: 0, ttftMs: 0, itlMs: 0 });
  const requests = Array.from({ length: REQUESTS }, (_, index) => ({
    index,
    prompt: [{ content: CONTENT, tokens: TOKENS }],
    isl: TOKENS,
    osl: 4,
  }));
  const generator = new Generator({
    cell: "rehearsal",
    load: {
      arrival: "closed",
      concurrency: CONCURRENCY,
      requests: REQUESTS,
      warmup: 0,
      timeoutS: 5,
    },
    targets: [parseTarget(server.url)],
    client: { connection: "keep-alive" },
    requests,
    random: randomStream(0, "rehearsal"),
    build,
    headers: ({ index }) => ({ "content-type": "application/json", "x-request-id": `${index}` }),
    onRecords: (records) => void records.map(recordLine),
    signal: new AbortController().signal,
  });
  await generator.run();
}
