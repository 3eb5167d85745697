import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerStream, deadWorker, gatewayOf, mostOverlap, startWorker } from "./stand-ins.ts";

describe("decisions.jsonl", () => {
  test("has one line for each decision, labelled with the cell that was reset to", async () => {
    const folder = await mkdtemp(join(tmpdir(), "dynbench-decisions-"));
    try {
      const decisionsPath = join(folder, "decisions.jsonl");
      using worker = startWorker("worker-1", answerStream);
      const workers = [deadWorker("worker-0"), worker.worker];
      {
        await using gateway = await gatewayOf(workers, mostOverlap, { decisionsPath });
        await gateway.reset("r0-kv");
        const headers = { "x-request-id": "abc" };
        const prompt = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        await (await gateway.post({ prompt, stream: true }, { headers })).text();
      }
      const text = await Bun.file(decisionsPath).text();
      expect(text.endsWith("\n")).toBe(true);
      const lines = text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      const common = { cell: "r0-kv", requestId: "abc", request: 0, isl: 9, blocks: 2 };
      const parts = ["scan", "tokeniseWait", "tokenise", "hash", "lookup", "score"];
      expect(lines).toMatchObject([
        { ...common, worker: "worker-0", overlaps: [0, 0], scores: [0, 0], inFlight: [1, 0] },
        { ...common, worker: "worker-1", overlaps: [null, 0], retries: 1, prefillTokens: [0, 9] },
      ]);
      for (const line of lines) expect(Object.keys(line.costUs)).toEqual(parts);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("a full disk loses lines, is reported once, and fails no request", async () => {
    using worker = startWorker("worker-0", answerStream);
    const gateway = await gatewayOf([worker.worker], mostOverlap, { decisionsPath: "/dev/full" });
    for (let i = 0; i < 3; i += 1) {
      const response = await gateway.post({ prompt: [1, 2, 3, 4], stream: true });
      expect(await response.text()).toContain("[DONE]");
      // A reset waits until the lines are written or lost.
      await gateway.reset();
      expect((await gateway.state()).lostDecisions).toBe(i + 1);
    }
    await gateway[Symbol.asyncDispose]();
    expect(gateway.logged.filter((line) => line.startsWith("warn Cannot write"))).toHaveLength(1);
  });

  test("a path that cannot be opened is refused at the start", async () => {
    using worker = startWorker("worker-0", answerStream);
    const decisionsPath = join(tmpdir(), "no-such-folder", "decisions.jsonl");
    expect(gatewayOf([worker.worker], mostOverlap, { decisionsPath })).rejects.toThrow(
      "Cannot write decisions",
    );
  });
});
