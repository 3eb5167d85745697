/** Output files: whole or absent, faults in one sentence, `--json`, and files after a crash. */
import { expect, test } from "bun:test";
import { symlink, mkdir } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DynbenchError } from "dynbench";
import { claimFile } from "../../../plugins/shared/reporters/atomic-write.ts";
import { guide } from "../../../plugins/reporters/guide.ts";
import { json } from "../../../plugins/reporters/json.ts";
import { inFolder, openReporter } from "../../conformance/reporter.ts";
import { generateRun, GUIDE_SHAPE, singleCellRun } from "../../fixtures/results/generate-run.ts";

const isLinux = process.platform === "linux";

test.skipIf(!isLinux)(
  `a full disk is one clear error${isLinux ? "" : " (needs /dev/full, which only Linux has)"}`,
  async () => {
    await inFolder(async (runDir) => {
      const run = singleCellRun();
      const handle = await openReporter({ reporter: json, run }, runDir, {}, { path: "/dev/full" });
      const fault = await Promise.resolve(handle.end!(run, [])).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(fault).toBeInstanceOf(DynbenchError);
      expect((fault as Error).message).toBe(
        'Cannot write "/dev/full": no space left on the device',
      );
      expect((fault as DynbenchError).hint).toContain("dynbench report");
    });
  },
);

test("a file is replaced as a whole: the old one stays when the new one cannot be written", async () => {
  await inFolder(async (runDir) => {
    const file = await claimFile(runDir, "out/a.txt");
    await file.write("first");
    // The name of the temporary file is taken by a folder, so writing it must fail.
    await mkdir(join(runDir, `out/a.txt.${process.pid}.tmp`, "in-the-way"), { recursive: true });
    const fault = await file.write("second").then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(fault).toBeInstanceOf(DynbenchError);
    expect(await Bun.file(join(runDir, "out/a.txt")).text()).toBe("first");
  });
});

test("claiming a file leaves none behind and keeps an existing one", async () => {
  await inFolder(async (runDir) => {
    await claimFile(runDir, "new.json");
    expect(existsSync(join(runDir, "new.json"))).toBe(false);
    await Bun.write(join(runDir, "old.json"), "kept");
    await claimFile(runDir, "old.json");
    expect(await Bun.file(join(runDir, "old.json")).text()).toBe("kept");
  });
});

test("a link is written through, not replaced", async () => {
  await inFolder(async (runDir) => {
    await Bun.write(join(runDir, "target.json"), "");
    await symlink(join(runDir, "target.json"), join(runDir, "link.json"));
    const file = await claimFile(runDir, "link.json");
    await file.write("through");
    expect(await Bun.file(join(runDir, "target.json")).text()).toBe("through");
  });
});

test("summary.json is marked unfinished until the run has ended", async () => {
  await inFolder(async (runDir) => {
    const run = generateRun({ ...GUIDE_SHAPE, ratios: [0.5], repeats: 1, requests: 20 });
    const handle = await openReporter({ reporter: json, run }, runDir);
    const read = () => Bun.file(join(runDir, "summary.json")).json();
    await handle.cell!(run.cells[0]!);
    const partial = await read();
    expect(partial.verdict.state).toBe("untrusted");
    expect(partial.verdict.reasons[0].message).toContain("1 of 2 cells");
    expect(partial.cells).toEqual([run.cells[0]!.summary]);
    await handle.end!(run, []);
    expect(await read()).toEqual(run.summary);
  });
});

test("the guide's file has the keys of both of its forms, per arm, in ascending order of the ratio", async () => {
  await inFolder(async (runDir) => {
    const arms = [
      { label: "kv", reached: 0.8 },
      { label: "a/../b", reached: 0.5 },
    ];
    const run = generateRun({ ...GUIDE_SHAPE, arms, ratios: [0.9, 0.1], repeats: 1, requests: 20 });
    const handle = await openReporter({ reporter: guide, run }, runDir);
    // What is attached to has no option with the model: it was asked for it.
    const facts = { engines: { mocker: { servedModelName: "asked" } }, routers: {} };
    await handle.end!({ ...run, facts }, []);
    for (const folder of ["kv", "a-..-b"]) {
      const file = await Bun.file(join(runDir, "guide", folder, "results_summary.json")).json();
      expect(file.prefix_ratios).toEqual([0.1, 0.9]);
      for (const key of [
        "ttft_values",
        "throughput_values",
        "ttft_p25_values",
        "ttft_p50_values",
        "ttft_p75_values",
        "itl_p25_values",
        "itl_p50_values",
        "itl_p75_values",
      ]) {
        expect(file[key]).toHaveLength(2);
      }
      expect(file.config).toMatchObject({
        model: "asked",
        tokenizer: "asked",
        isl: 14000,
        osl: 200,
        requests: 20,
        concurrency: 20,
        initial_seed: 0,
      });
    }
    const kv = run.cells.find(
      ({ summary }) => summary.arm === "kv" && summary.parameters["prefixRatio"] === 0.1,
    )!;
    const file = await Bun.file(join(runDir, "guide", "kv", "results_summary.json")).json();
    expect(file.ttft_values[0]).toBeCloseTo(kv.summary.metrics.ttftMs!.mean, 9);
  });
});

test("the guide's file has the model that an attached router serves, and none where it is not known", async () => {
  await inFolder(async (runDir) => {
    const run = generateRun({
      ...GUIDE_SHAPE,
      arms: [{ label: "attach", reached: 0.5 }],
      repeats: 1,
      requests: 5,
    });
    const configOf = async (facts: Record<string, unknown>) => {
      const handle = await openReporter({ reporter: guide, run }, runDir);
      await handle.end!({ ...run, facts }, []);
      return (await Bun.file(join(runDir, "guide/attach/results_summary.json")).json()).config;
    };
    const routers = { attach: { urls: ["http://a:1"], servedModelName: "llama" } };
    expect(await configOf({ engines: {}, routers })).toMatchObject({
      ...{ model: "llama", tokenizer: "llama" },
    });
    expect(await configOf({ engines: { mocker: 5 } })).not.toHaveProperty("model");
  });
});
