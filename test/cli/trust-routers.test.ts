/** Routers that are wrong in one way each, and honest ones, in front of honest workers. */
import { setDefaultTimeout, test } from "bun:test";
import { startIllBehaved } from "../fixtures/ill-behaved.ts";
import { startStandInRouter, type RouterFault } from "../fixtures/stand-in-router.ts";
import { emptyFolder } from "./binary.ts";
import { expectVerdict, type TrustRow } from "./trust-rows.ts";

setDefaultTimeout(60_000);
const cwd = emptyFolder();
const LOAD = [
  ...["--isl", "1000", "--isl-stddev-share", "0", "--osl", "8", "--osl-stddev-share", "0"],
  ...["--requests", "60", "--concurrency", "6", "--prefix-ratio", "0.5"],
  ...["--num-prefix-prompts", "4"],
];

const ROWS: readonly (TrustRow & { readonly router: RouterFault })[] = [
  { name: "a plain router", router: {}, verdict: "trusted", ids: [] },
  // What it adds to each request is its own cost, and part of TTFT.
  { name: "a router that takes 5 ms", router: { delayMs: 5 }, verdict: "trusted", ids: [] },
  {
    name: "a router that sends each request twice",
    router: { isTwice: true },
    verdict: "untrusted",
    ids: ["served-more"],
    says: "60 were sent",
  },
  {
    name: "a router that sends every tenth request again",
    router: { retries: true },
    verdict: "untrusted",
    ids: ["served-more"],
    says: "6 came from elsewhere",
  },
  {
    name: "a router that answers from a cache of its own",
    router: { answersItself: true },
    mayHave: ["too-fast"],
    verdict: "untrusted",
    ids: ["served-elsewhere"],
    says: "answers came from elsewhere",
  },
];

test("a delay of 5 ms before one of two routers: untrusted", async () => {
  using worker = startIllBehaved();
  using near = startStandInRouter([worker.url]);
  using far = startStandInRouter([worker.url], { delayMs: 5 });
  const place = ["--engine", "attach", "--worker-url", worker.url, "--router"];
  const row = {
    name: "a delay of 5 ms before one of two routers",
    verdict: "untrusted",
    ids: ["path-longer"],
    says: `The way to "attach(url=${far.url})" is longer`,
  } as const;
  await expectVerdict(
    row,
    [
      ...[...place, `attach:url=${near.url}`, "--router", `attach:url=${far.url}`, ...LOAD],
      ...["--repeat", "1"],
    ],
    { cwd },
  );
});

test("another client of the same workers: untrusted", async () => {
  using worker = startIllBehaved();
  const other = setInterval(() => {
    const body = JSON.stringify({ prompt: [1, 2, 3], max_tokens: 2 });
    // Its last one ends with the server.
    fetch(`${worker.url}/v1/completions`, { method: "POST", body })
      .then((got) => got.bytes())
      .catch(() => {});
  }, 20);
  const row = {
    name: "another client of the same workers",
    verdict: "untrusted",
    ids: ["served-more"],
  } as const;
  const place = ["--engine", "attach", "--worker-url", worker.url, "--router", "direct"];
  await expectVerdict(row, [...place, ...LOAD], { cwd }).finally(() => clearInterval(other));
});

for (const row of ROWS) {
  test(`${row.name}: ${row.verdict}`, async () => {
    const nameless = { id: () => "cmpl-1" };
    using one = startIllBehaved(nameless);
    using other = startIllBehaved(nameless);
    using router = startStandInRouter([one.url, other.url], row.router);
    const place = ["--engine", "attach", "--worker-url", `${one.url},${other.url}`];
    await expectVerdict(row, [...place, "--router", "attach", "--url", router.url, ...LOAD], {
      cwd,
    });
  });
}
