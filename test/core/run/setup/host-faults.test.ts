/** Loads against the limit on open files, and notes about the environment. */
import { describe, expect, test } from "bun:test";
import { hostFaults, hostNotes } from "../../../../core/run/setup/host-faults.ts";
import { PluginSet } from "../../../../core/plugin-folder/plugin-set.ts";
import { buildPlan } from "../../../../core/plan/build.ts";
import type { Plan } from "../../../../core/contract/plan.ts";
import { BUNDLED } from "../../../../plugins/bundled.ts";

const plugins = new PluginSet(BUNDLED);
const planned = (options: Record<string, string>): Plan =>
  buildPlan(
    {
      options: Object.entries(options).map(([name, value]) => ({ name, value, origin: name })),
      engineArgs: [],
      faults: [],
    },
    plugins,
  ).plan;
const host = (fileLimit: number | undefined, env = {}) => ({ fileLimit, env });

describe("a load that holds more requests than files may be open", () => {
  const wide = { concurrency: "700", requests: "1000", workers: "2" };

  test("is refused with the limit to set and the concurrency that fits", () => {
    expect(hostFaults(planned({ ...wide, router: "kv" }), plugins, host(1024))).toEqual([
      {
        path: "load.concurrency",
        message:
          "open files are limited to 1024 a process here, too few for 700 requests in flight",
        hint: "Raise the limit (ulimit -n 8192), or use --concurrency 476",
      },
    ]);
    const [fault] = hostFaults(planned({ ...wide, router: "nginx" }), plugins, host(1024));
    expect(fault!.hint).toContain("--concurrency 476");
  });

  test("is refused without a concurrency where not even one request fits", () => {
    const hintAt = (limit: number): string =>
      hostFaults(planned({ ...wide, router: "kv" }), plugins, host(limit))[0]!.hint!;
    expect(hintAt(64)).toBe(
      "Raise the limit (ulimit -n 8192), in a new shell or as root where this one may not",
    );
    expect(hintAt(73)).not.toContain("--concurrency");
    // 64 of its own, 4 for each of 2 workers, 2 for a request
    expect(hintAt(74)).toContain("or use --concurrency 1");
    const one = planned({ ...wide, concurrency: "1", router: "kv" });
    expect(hostFaults(one, plugins, host(74))).toEqual([]);
  });

  test("is accepted where no router holds a second connection, or the limit is higher", () => {
    expect(hostFaults(planned({ ...wide, router: "direct" }), plugins, host(1024))).toEqual([]);
    expect(hostFaults(planned({ ...wide, router: "kv" }), plugins, host(4096))).toEqual([]);
    expect(hostFaults(planned({ ...wide, router: "kv" }), plugins, host(undefined))).toEqual([]);
  });

  test("is accepted where there are fewer requests, or nothing is opened", () => {
    const few = planned({ ...wide, requests: "400", router: "kv" });
    expect(hostFaults(few, plugins, host(1024))).toEqual([]);
    const virtual = planned({ ...wide, clock: "virtual", router: "kv" });
    expect(hostFaults(virtual, plugins, host(1024))).toEqual([]);
  });
});

describe("notes", () => {
  test("name proxies without their values", () => {
    const env = { HTTPS_PROXY: "http://me:s3cret@proxy" };
    expect(hostNotes(planned({}), plugins, host(65_536, env))).toEqual([
      "HTTPS_PROXY: not used for engines and routers, nor by them on this machine",
    ]);
  });

  test("state the concurrency that a low limit allows an open loop", () => {
    const open = planned({ rate: "10", workers: "2" });
    const [note] = hostNotes(open, plugins, host(1024));
    expect(note).toContain("open files: 1024, enough for 476 requests in flight");
    expect(hostNotes(open, plugins, host(65_536))).toEqual([]);
    expect(hostNotes(planned({ concurrency: "5" }), plugins, host(1024))).toEqual([]);
  });
});
