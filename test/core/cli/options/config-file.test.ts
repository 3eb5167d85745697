import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../../../core/cli/options/config-file.ts";
import { planOf } from "../../plan/sample-plugins.ts";

const folder = mkdtempSync(join(tmpdir(), "dynbench-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(name: string, content: string | Uint8Array) {
  const path = join(folder, name);
  writeFileSync(path, content);
  const config = readConfig(path);
  if (!("options" in config)) throw new Error("is a plan");
  return config.options.map((option) => [option.name, option.value]);
}

describe("config files", () => {
  const want = [
    ["isl", 4000],
    ["router", ["kv", "round-robin"]],
    ["load.concurrency", 8],
    ["sweep", ["rate=1,2"]],
  ];

  test("yaml, json and toml are equivalent", () => {
    const yaml =
      "isl: 4000\nrouter: [kv, round-robin]\nload:\n  concurrency: 8\nsweep:\n  rate: [1, 2]\n";
    const toml =
      'isl = 4000\nrouter = ["kv", "round-robin"]\n[load]\nconcurrency = 8\n[sweep]\nrate = [1, 2]\n';
    const json =
      '{"isl":4000,"router":["kv","round-robin"],"load":{"concurrency":8},"sweep":{"rate":[1,2]}}';
    expect(read("a.yaml", yaml)).toEqual(want);
    expect(read("a.yml", yaml)).toEqual(want);
    expect(read("a.toml", toml)).toEqual(want);
    expect(read("a.JSON", json)).toEqual(want);
  });

  test("an invalid config is reported by name and reason", () => {
    expect(() => read("b.yaml", new Uint8Array([0xff, 0xfe, 0x41]))).toThrow(
      "it is not UTF-8 text",
    );
    expect(() => read("b.json", "{")).toThrow(/Cannot read .*b\.json: JSON/);
    expect(() => read("b.toml", "a = = b")).toThrow(/Cannot read .*b\.toml: TOML/);
    expect(() => read("b.txt", "isl: 5")).toThrow("expected a .yaml, .yml, .json or .toml file");
    expect(() => read("b.yaml", "- a\n- b\n")).toThrow("expected a table of options at the top");
    expect(() => read("c.yaml", "just words")).toThrow("expected a table of options at the top");
    expect(() => read("c.json", "null")).toThrow("expected a table of options at the top");
    expect(() => readConfig(join(folder, "none.yaml"))).toThrow("there is no such file or folder");
  });

  test("a config cut anywhere is read or refused, never a crash", () => {
    const text = 'isl = 4000\nrouter = ["kv"]\n[load]\nconcurrency = 8\n';
    for (let end = 0; end < text.length; end += 1) {
      try {
        read("cut.toml", text.slice(0, end));
      } catch (error) {
        expect((error as Error).message).toMatch(/^Cannot read /);
      }
    }
  });

  test("a saved plan is distinguished from a table of options", () => {
    const path = join(folder, "plan.json");
    writeFileSync(path, JSON.stringify(planOf()));
    expect(readConfig(path)).toEqual({ plan: planOf(), path });
    const broken = join(folder, "broken.json");
    writeFileSync(broken, '{"schemaVersion":1}');
    expect(readConfig(broken)).toEqual({ plan: { schemaVersion: 1 }, path: broken });
  });
});
