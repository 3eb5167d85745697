/** Options of engines that start model servers: faults, roles, environments. */
import { describe, expect, test } from "bun:test";
import { v } from "dynbench";
import {
  checkServers,
  environmentOf,
  serverOptions,
  workersWanted,
} from "../../../../plugins/shared/model-servers/server-options.ts";
import { rosterOf } from "../../../../plugins/shared/worker-roles.ts";

describe("options", () => {
  const faults = (raw: Record<string, unknown>) => checkServers(v.parse(serverOptions, raw));

  test("are valid by default", () => expect(faults({})).toEqual([]));

  test("that store a secret, or launch nowhere, or hold no request, are all reported", () => {
    const found = faults({
      ...{ env: ["HF_TOKEN=hf_1"], launch: "ssh gpu7", kvBlocks: 10 },
    });
    expect(found.map(({ path }) => path)).toEqual(["launch", "env", "maxModelLen"]);
    expect(found[1]!.hint).toContain("--env HF_TOKEN");
    expect(found[2]!.hint).toBe("Use --max-model-len 640, or at least --kv-blocks 512");
  });

  test("refuse an invalid environment", () => {
    expect(v.safeParse(serverOptions, { env: ["no name=1"] }).success).toBe(false);
  });
});

describe("roles", () => {
  const options = (raw: object) => v.parse(serverOptions, raw);

  test("are named separately and counted together", () => {
    const split = options({ prefillWorkers: 2, decodeWorkers: 1 });
    expect(workersWanted(split)).toBe(3);
    expect(rosterOf(split, 3).map(({ id, role }) => `${id} ${role}`)).toEqual([
      ...["prefill-0 prefill", "prefill-1 prefill", "decode-0 decode"],
    ]);
    expect(workersWanted(options({}))).toBeUndefined();
    expect(rosterOf(options({}), 2).map(({ id }) => id)).toEqual(["worker-0", "worker-1"]);
  });

  test("given alone, or beside --workers, are faults", () => {
    const paths = (raw: object) => checkServers(options(raw)).map(({ path }) => path);
    expect(paths({ prefillWorkers: 1 })).toEqual(["prefillWorkers"]);
    expect(paths({ decodeWorkers: 1 })).toEqual(["decodeWorkers"]);
    expect(paths({ workers: 2, prefillWorkers: 1, decodeWorkers: 1 })).toEqual(["workers"]);
    expect(paths({ prefillWorkers: 1, decodeWorkers: 1 })).toEqual([]);
  });
});

test("what Dynamo's plane cannot have is reported at once, and is fine elsewhere", () => {
  const raw = { launch: "ssh gpu7 {command}", workerHost: "gpu7", dataParallelSize: 2 };
  const faults = (plane: "http" | "dynamo") =>
    checkServers(v.parse(serverOptions, raw), { plane }).map(({ path }) => path);
  expect(faults("dynamo")).toEqual(["launch", "workerHost", "dataParallelSize"]);
  expect(faults("http")).toEqual([]);
});

test("a bare name in an environment takes its value from this process, where it is set", () => {
  const here = { HF_TOKEN: "hf_1", OTHER: "x" };
  expect(environmentOf(["A=1=2", "B=", "HF_TOKEN", "NOT_SET"], here)).toEqual({
    A: "1=2",
    B: "",
    HF_TOKEN: "hf_1",
  });
});
