/** One worker that reports metrics, one that does not, and the file that is written. */
import { expect, test } from "bun:test";
import { startSampling } from "../../../../core/run/sampling/sampling.ts";

test("new samples are written with their cell, and a worker that does not answer is left out", async () => {
  let requests = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) =>
      url.endsWith("/bad")
        ? new Response("no", { status: 500 })
        : new Response(`vllm:requests_total ${(requests += 1)}\nvllm:blocks 40\n`),
  });
  const base = `http://127.0.0.1:${server.port}`;
  const worker = (id: string, path: string) =>
    ({ id, url: base, role: "aggregated", blockSize: 64, metricsUrl: `${base}${path}` }) as const;
  let written = "";
  const sampling = startSampling({
    cell: "c",
    workers: [worker("worker-0", "/metrics"), worker("worker-1", "/bad")],
    routers: [],
    gpus: [],
    write: (lines) => (written += lines),
  });
  expect(await sampling.stop()).toEqual([]);
  await server.stop(true);
  const lines = written
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toEqual([
    {
      cell: "c",
      atMs: expect.any(Number),
      worker: "worker-0",
      values: { "vllm:requests_total": 1, "vllm:blocks": 40 },
    },
    {
      cell: "c",
      atMs: expect.any(Number),
      worker: "worker-0",
      values: { "vllm:requests_total": 2 },
    },
  ]);
});

test("a router's replicas are named by their number", async () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => new Response(`hits_total ${url.endsWith("/b") ? 2 : 1}\n`),
  });
  const base = `http://127.0.0.1:${server.port}`;
  let written = "";
  const sampling = startSampling({
    ...{ cell: "c", workers: [], routers: [`${base}/a`, `${base}/b`], gpus: [] },
    write: (lines) => (written += lines),
  });
  await sampling.stop();
  await server.stop(true);
  const lines = written.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { cell: "c", atMs: expect.any(Number), router: 0, values: { hits_total: 1 } },
    { cell: "c", atMs: expect.any(Number), router: 1, values: { hits_total: 2 } },
  ]);
});
