/**
 * Real vLLM servers on the CPU behind dynbench's kv router, through the binary. A server takes one to
 * two minutes to start and 3 GB, so two tests share three starts. Checks counts and states, never times.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { isRealRun } from "./programs.ts";
import { tinyModel, VLLM_OPTIONS, vllmPython } from "./tiny-model.ts";
import { emptyFolder, startDynbench, until } from "../cli/binary.ts";

const TEST_LIMIT_MS = 480_000;
const READY_LIMIT_MS = 420_000;
const LIMITS = { runMs: TEST_LIMIT_MS - 20_000, leftoverMs: 20_000 };

const BLOCK = 64;
/** A server's cache: three requests of seven blocks, so that evictions are frequent. */
const KV_BLOCKS = 24;
const REQUESTS = 30;

const cwd = emptyFolder();
const path = (...names: string[]): string => join(cwd, ...names);

async function start(out: string, args: readonly string[]) {
  const model = await tinyModel(path("model"));
  return startDynbench(
    [
      ...["run", ...VLLM_OPTIONS, "--model-path", model, "--router", "kv"],
      ...["--block-size", `${BLOCK}`, "--kv-blocks", `${KV_BLOCKS}`, "--isl", "400"],
      ...["--osl", "8", "--num-prefix-prompts", "4", "--concurrency", "1", "--out", out, ...args],
      ...["--settle", "off"],
      ...["--", "--load-format", "dummy", "--dtype", "float32"],
    ],
    { cwd, limits: LIMITS },
  );
}

/** Whole lines only: the last one may be incomplete. */
function lines(...names: string[]): any[] {
  const file = path(...names);
  if (!existsSync(file)) return [];
  const text = readFileSync(file, "utf8");
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const pidOf = (running: { children(): number[] }, name: string, at: number): number =>
  running
    .children()
    .filter((pid) => commandLine(pid).includes(name))
    .toSorted((a, b) => a - b)[at]!;

/**
 * Processes of a server: itself, a resource tracker, the engine and its worker. The latter two rename
 * themselves over their environment, so they are not found by a variable in it.
 */
function inGroupOf(leader: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      return new RegExp(`\\) [^ZX] \\d+ ${leader} `).test(readStat(pid));
    });
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return ""; // gone
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

describe.skipIf(!isRealRun() || vllmPython === undefined)(
  "real vLLM (skipped without DYNBENCH_REAL=1 and the programs of install.sh)",
  () => {
    test(
      "two servers: events applied, cached tokens as predicted through evictions and resets, a killed server reported",
      async () => {
        const sweep = ["--workers", "2", "--prefix-ratio", "0.2,0.6,0.9"];
        const running = await start("two", [...sweep, "--requests", `${REQUESTS}`]);
        const inThird = (): boolean =>
          lines("two", "cells.jsonl").length === 2 &&
          lines("two", "records.jsonl").length > 2 * REQUESTS;
        await until(() => inThird() || !isAlive(running.pid), READY_LIMIT_MS);
        expect(inThird() ? "" : running.printed.stderr).toBe("");
        const servers = [0, 1].map((at) => pidOf(running, "openai.api_server", at));
        for (const pid of servers) expect(inGroupOf(pid).length).toBeGreaterThanOrEqual(4);
        process.kill(servers[1]!, "SIGKILL");
        const end = await running.end();

        expect(end.stderr).toMatch(/worker-\d died during the run \(killed by SIGKILL\)/);
        expect(end.exitCode).toBe(4);
        expect(end.left).toEqual([]);
        expect(servers.flatMap(inGroupOf)).toEqual([]);

        const facts = JSON.parse(readFileSync(path("two", "facts.json"), "utf8"));
        expect(facts.engines.vllm).toMatchObject({
          version: "0.31.0",
          program: "api_server",
          workers: [
            { id: "worker-0", blockSize: BLOCK, kvBlocks: KV_BLOCKS, maxModelLen: 1024 },
            { id: "worker-1", blockSize: BLOCK, kvBlocks: KV_BLOCKS, maxModelLen: 1024 },
          ],
        });
        const cells = lines("two", "cells.jsonl");
        expect(cells.map(({ state }) => state)).toEqual(["completed", "completed", "failed"]);
        const decisions = lines("two", "decisions.jsonl");
        const records = lines("two", "records.jsonl");
        for (const { id, routerCost, findings } of cells.slice(0, 2)) {
          const ids = findings.map((finding: { id: string }) => finding.id);
          expect(ids).not.toContain("reset-not-proved");
          expect(ids).not.toContain("fresh-prompts");
          expect(routerCost.eventsApplied).toBeGreaterThan(REQUESTS);
          const own = records.filter(({ cell }) => cell === id);
          expect(own.map(({ state }) => state)).toEqual(Array(REQUESTS).fill("ok"));
          expect(new Set(own.map(({ worker }) => worker)).size).toBe(2);
          expect(own.every(({ osl, oslRequested }) => osl === oslRequested)).toBe(true);
          expect(own.find(({ index }) => index === 0).cachedTokens).toBe(0); // the cell before is forgotten
          expect(own.some(({ cachedTokens }) => cachedTokens > 0)).toBe(true);
          asPredicted(
            own,
            decisions.filter(({ cell }) => cell === id),
          );
        }
        expect(JSON.stringify(cells[2].findings)).toContain("process-died");
        expect(
          lines("two", "metrics.jsonl").some(
            ({ values }) => values?.["vllm:prompt_tokens_total"] > 0,
          ),
        ).toBe(true);
      },
      TEST_LIMIT_MS,
    );

    test(
      "a server ends with all its processes when dynbench is killed",
      async () => {
        const running = await start("one", [
          "--workers",
          "1",
          "--prefix-ratio",
          "0.5",
          "--requests",
          "100000",
        ]);
        const isUnderLoad = (): boolean => lines("one", "records.jsonl").length > 0;
        await until(() => isUnderLoad() || !isAlive(running.pid), READY_LIMIT_MS);
        expect(isUnderLoad() ? "" : running.printed.stderr).toBe("");
        const server = pidOf(running, "openai.api_server", 0);
        expect(inGroupOf(server).length).toBeGreaterThanOrEqual(4);
        running.signal("SIGKILL");
        expect((await running.end()).left).toEqual([]);
        expect(await until(() => inGroupOf(server).length === 0, LIMITS.leftoverMs)).toBe(true);
      },
      TEST_LIMIT_MS,
    );
  },
);

/** The router predicted the cached tokens of every request, with caches too small to keep everything. */
function asPredicted(records: readonly any[], decisions: readonly any[]): void {
  const computed: Record<string, number> = {};
  const wrong = records.filter(({ index, isl, cachedTokens }) => {
    const decision = decisions.find(({ requestId }) => requestId.endsWith(`/${index}`));
    const { overlapBlocks, blocks, worker } = decision;
    computed[worker] = (computed[worker] ?? 0) + blocks - overlapBlocks;
    // The block with the last token is always computed.
    return cachedTokens !== Math.min(overlapBlocks, Math.floor((isl - 1) / BLOCK)) * BLOCK;
  });
  expect(wrong).toEqual([]);
  expect(Math.max(...Object.values(computed))).toBeGreaterThan(KV_BLOCKS);
}

function isAlive(pid: number): boolean {
  return /\) [^ZX] /.test(readStat(pid));
}
