/** Plugins whose own code throws: reported as errors of the plugin, by name and line. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dynbench, emptyFolder, TINY } from "./binary.ts";

const cwd = emptyFolder();

const TRAITS = '({ accepts: ["ids"], affinity: false, spreads: false, kvEvents: false })';
const THROWS = 'undefinedThing.of("it");';

/** Kind and fields of a plugin, the command that runs it, and the exit code of its fault. */
const CASES: [what: string, kind: string, fields: string, args: string[], exitCode: number][] = [
  ["a reporter's open", "reporter", `open: () => { ${THROWS} }`, ["--clock", "virtual"], 2],
  [
    "a workload's read",
    "workload",
    `load: { arrival: "closed" }, read: async () => { ${THROWS} }, *requests() {}`,
    ["--workload", "faulty"],
    2,
  ],
  [
    "a workload's requests",
    "workload",
    `load: { arrival: "closed" }, *requests() { ${THROWS} }`,
    ["--workload", "faulty"],
    2,
  ],
  [
    "a router's traits",
    "router",
    `plane: "http", traits: () => { ${THROWS} }, policy: () => ({ reads: [], pick: () => 0 })`,
    ["--router", "faulty"],
    2,
  ],
  [
    "a router's policy",
    "router",
    `plane: "http", traits: () => ${TRAITS}, policy: () => { ${THROWS} }`,
    ["--router", "faulty", "--clock", "virtual"],
    3,
  ],
  [
    "a router's start",
    "router",
    `plane: "http", traits: () => ${TRAITS}, start: async () => { ${THROWS} }`,
    ["--router", "faulty"],
    3,
  ],
  [
    "an engine's start",
    "engine",
    `planes: ["http"], start: async () => { ${THROWS} }`,
    ["--engine", "faulty"],
    3,
  ],
];

describe("a plugin that throws in", () => {
  test.each(CASES)("%s", async (what, kind, fields, args, exitCode) => {
    const file = `${what.replaceAll(/\W+/g, "-")}.ts`;
    const define = `define${kind[0]!.toUpperCase()}${kind.slice(1)}`;
    const head = `import { ${define}, v } from "dynbench";\nexport default ${define}({`;
    const common = 'name: "faulty", summary: "x", options: v.strictObject({}),';
    writeFileSync(join(cwd, file), `${head} ${common}\n  ${fields},\n});\n`);
    const engine = kind === "engine" || kind === "workload" ? [] : TINY;
    const end = await dynbench(["run", "--plugin", file, ...engine, ...args], { cwd });
    expect(end).toMatchObject({ exitCode, left: [] });
    const path = join(cwd, file);
    expect(end.stderr).toContain(
      `A bug in the ${kind} "faulty" (${path}), which threw ReferenceError`,
    );
    expect(end.stderr).toContain(`${path}:3:`);
    expect(end.stderr).not.toContain("dynbench, please report");
  });
});
