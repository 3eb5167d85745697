/**
 * Live equals virtual, for the policy: what the gateway was told in a live run, told in the same order
 * to a host in this process, gives every pick and every score again.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { randomStream } from "dynbench";
import type { HostEvent } from "../../core/routing/host-journal.ts";
import { bundledPolicy } from "../simulation/simulate.ts";
import { picksOf } from "../simulation/asked-again.ts";
import { dynbench, emptyFolder } from "./binary.ts";

const cwd = emptyFolder();
const WORKERS = 4;
const SEED = 11;

interface Decision {
  readonly request: number;
  readonly worker: string;
  readonly scores?: readonly (number | null)[];
}

function linesOf<Line>(out: string, name: string): Line[] {
  const text = readFileSync(join(cwd, out, name), "utf8").trimEnd();
  return text.split("\n").map((line) => JSON.parse(line) as Line);
}

test.each([
  { router: "kv", options: {} },
  { router: "kv", options: { temperature: 0.5 } },
  { router: "kv-approx", options: {} },
  { router: "power-of-two", options: {} },
])("$router $options picks in virtual time what it picked live", async ({ router, options }) => {
  const inline = Object.entries(options).map(([name, value]) => `:${name}=${value}`);
  const out = `${router}${inline.join("")}`.replaceAll(/[:=]/g, "-");
  const load = ["--requests", "80", "--concurrency", "12", "--prefix-ratio", "0.6"];
  const sizes = ["--isl", "2000", "--osl", "30", "--workers", `${WORKERS}`, "--kv-blocks", "400"];
  const args = ["--engine", "mocker", "--router", `${router}${inline.join("")}`, "--speedup", "40"];
  const seed = ["--seed", `${SEED}`, "--block-size", "16"];
  const run = ["run", ...args, ...load, ...sizes, ...seed, "--out", out];
  const { exitCode, stderr } = await dynbench(run, { cwd });
  if (exitCode !== 0 && exitCode !== 5) throw new Error(stderr);

  const candidates = Array.from({ length: WORKERS }, (_, index) => {
    return { index, workerId: `worker-${index}`, rank: 0, role: "aggregated" as const };
  });
  const again = picksOf(linesOf<HostEvent>(out, "events.jsonl"), {
    policy: bundledPolicy(router, options),
    candidates,
    blockSize: 16,
    random: randomStream(SEED, "gateway", 0),
  });
  const live = linesOf<Decision>(out, "decisions.jsonl").slice(-again.length);
  expect(again.length).toBe(80);
  expect(again.map(({ request, worker }) => [request, worker])).toEqual(
    live.map(({ request, worker }) => [request, worker]),
  );
  expect(new Set(again.map(({ worker }) => worker)).size).toBe(WORKERS);
  for (const [i, { scores }] of live.entries()) {
    if (scores !== undefined) expect(again[i]!.scores).toEqual(scores.map((score) => score ?? NaN));
  }
});
