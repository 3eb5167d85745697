/**
 * Live equals virtual, for the policy: a host in this process that gets the gateway's calls of a live
 * run in the same order makes every pick with the same scores.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { randomStream } from "dynbench";
import type { WorkerRole } from "dynbench/engine";
import type { HostEvent } from "../../core/routing/host-journal.ts";
import { bundledPolicy } from "../simulation/simulate.ts";
import { picksOf } from "../simulation/asked-again.ts";
import { dynbench, emptyFolder } from "./binary.ts";

const cwd = emptyFolder();
const REQUESTS = 80;
/** Four workers that do both prefill and decode, and two of each role. */
const CLUSTERS: Readonly<Record<"whole" | "split", readonly (readonly [string, WorkerRole])[]>> = {
  whole: [0, 1, 2, 3].map((i) => [`worker-${i}`, "aggregated"]),
  split: [
    ["prefill-0", "prefill"],
    ["prefill-1", "prefill"],
    ["decode-0", "decode"],
    ["decode-1", "decode"],
  ],
};
const FLAGS = {
  whole: ["--workers", "4"],
  split: ["--prefill-workers", "2", "--decode-workers", "2"],
};
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
  { router: "kv", options: {}, workers: "whole" },
  { router: "kv", options: { temperature: 0.5 }, workers: "whole" },
  { router: "kv-approx", options: {}, workers: "whole" },
  { router: "power-of-two", options: {}, workers: "whole" },
  { router: "kv", options: {}, workers: "split" },
  { router: "power-of-two", options: {}, workers: "split" },
] as const)(
  "$router $options, $workers workers, picks in virtual time what it picked live",
  async (it) => {
    const { router, options, workers } = it;
    const inline = Object.entries(options).map(([name, value]) => `:${name}=${value}`);
    const out = `${workers}-${router}${inline.join("")}`.replaceAll(/[:=]/g, "-");
    const load = ["--requests", `${REQUESTS}`, "--concurrency", "12", "--prefix-ratio", "0.6"];
    const sizes = ["--isl", "2000", "--osl", "30", ...FLAGS[workers], "--kv-blocks", "400"];
    const args = [
      "--engine",
      "mocker",
      "--router",
      `${router}${inline.join("")}`,
      "--speedup",
      "40",
    ];
    const seed = ["--seed", `${SEED}`, "--block-size", "16"];
    const run = ["run", ...args, ...load, ...sizes, ...seed, "--out", out];
    const { exitCode, stderr } = await dynbench(run, { cwd });
    if (exitCode !== 0 && exitCode !== 5) throw new Error(stderr);

    const cluster = CLUSTERS[workers];
    const candidates = cluster.map(([workerId, role], index) => ({
      index,
      workerId,
      rank: 0,
      role,
    }));
    const again = picksOf(linesOf<HostEvent>(out, "events.jsonl"), {
      policy: bundledPolicy(router, options),
      candidates,
      blockSize: 16,
      random: randomStream(SEED, "gateway", 0),
    });
    const live = linesOf<Decision>(out, "decisions.jsonl").slice(-again.length);
    expect(again.length).toBe(workers === "split" ? 2 * REQUESTS : REQUESTS);
    expect(again.map(({ request, worker }) => [request, worker])).toEqual(
      live.map(({ request, worker }) => [request, worker]),
    );
    expect(new Set(again.map(({ worker }) => worker)).size).toBe(cluster.length);
    for (const [i, { scores }] of live.entries()) {
      if (scores !== undefined)
        expect(again[i]!.scores).toEqual(scores.map((score) => score ?? NaN));
    }
  },
);
