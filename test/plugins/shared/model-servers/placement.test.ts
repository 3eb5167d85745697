/** The number of servers, and their GPUs, cores and ports. */
import { describe, expect, test } from "bun:test";
import { v } from "dynbench";
import type { Gpu } from "dynbench/engine";
import {
  coresOf,
  placeServers,
  portsOf,
} from "../../../../plugins/shared/model-servers/placement.ts";
import { serverOptions } from "../../../../plugins/shared/model-servers/server-options.ts";

const options = (raw: Record<string, unknown> = {}) => v.parse(serverOptions, raw);
const gpus = (count: number): Gpu[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `${i}`,
    name: "NVIDIA H100",
    memoryMiB: 81_559,
    computeCapability: 9,
  }));

describe("servers", () => {
  const place = (raw: Record<string, unknown>, count: number) =>
    placeServers(options(raw), { gpus: gpus(count), isCpuBuild: false });

  test("are as many as the GPUs hold, at most eight, and a note reports it", () => {
    expect(place({}, 16).gpus).toHaveLength(8);
    const { gpus: sets, notes } = place({ tensorParallelSize: 2 }, 8);
    expect(sets).toEqual([
      ["0", "1"],
      ["2", "3"],
      ["4", "5"],
      ["6", "7"],
    ]);
    expect(notes).toEqual(["4 servers, 2 GPUs each: 0,1 2,3 4,5 6,7"]);
  });

  test("with data parallelism take as many GPUs as ranks times shards", () => {
    expect(place({ tensorParallelSize: 2, dataParallelSize: 2, gpuOffset: 4 }, 8).gpus).toEqual([
      ["4", "5", "6", "7"],
    ]);
  });

  test("without a GPU are refused, except with a CPU build", () => {
    expect(() => place({}, 0)).toThrow("no NVIDIA GPU was found");
    const onCpu = placeServers(options({ workers: 2 }), { gpus: [], isCpuBuild: true });
    expect(onCpu.gpus).toEqual([undefined, undefined]);
    expect(placeServers(options(), { gpus: [], isCpuBuild: true }).gpus).toHaveLength(1);
  });
});

describe("cores of CPU servers", () => {
  test("do not overlap while there are enough", () => {
    const cores = (servers: number, count: number) =>
      Array.from({ length: servers }, (_, i) => coresOf(i, { servers, cores: count }));
    expect(cores(2, 2)).toEqual(["0", "1"]);
    expect(cores(2, 9)).toEqual(["0-3", "4-7"]);
    expect(cores(3, 2)).toEqual(["0", "1", "0"]);
  });
});

describe("ports", () => {
  test("follow the first one, three a server", () => {
    const remote = options({ firstPort: 9000, workerHost: "gpu7" });
    expect(portsOf(remote, 2)).toEqual([
      { http: 9000, kvEvents: 9001, replay: 9002 },
      { http: 9003, kvEvents: 9004, replay: 9005 },
    ]);
    expect(portsOf(options({ workerHost: "gpu7" }), 1)[0]!.http).toBe(8100);
  });

  test("are free ones unless one is chosen, and one that is taken is named", () => {
    const all = portsOf(options(), 4).flatMap((ports) => Object.values(ports));
    expect(new Set(all).size).toBe(12);
    const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
    expect(() => portsOf(options({ firstPort: server.port }), 1)).toThrow(
      `Port ${server.port} is taken`,
    );
    server.stop(true);
  });
});
